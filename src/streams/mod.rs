//! The streams, as data: discover, read, check, the README's table and the tests follow from them.

pub mod record_form;
pub mod stream;
pub mod table;
