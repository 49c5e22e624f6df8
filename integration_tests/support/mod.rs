//! Everything that more than one test module uses: builders for a simulator and a read, the checks that every run goes
//! through, and facts that the tests derive from the connector and the simulator. It imports no test module.

pub mod bench;
pub mod binary;
pub mod catalog;
pub mod config;
pub mod expected;
pub mod faults;
pub mod log_lines;
pub mod memory;
pub mod protocol;
pub mod pty;
pub mod ran;
pub mod read;
pub mod recent;
pub mod schemas;
pub mod secrets;
pub mod shell;
pub mod sim;
pub mod singer;
pub mod sources;
pub mod state_file;
pub mod streams;
pub mod tap;
pub mod test_dir;
pub mod time;
pub mod tls;
