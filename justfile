# Shortcuts, for `just`: each recipe calls the scripts and commands that CONTRIBUTING.md names, and adds nothing to them.

# List the recipes
default:
    @just --list

# Run all tests, or those whose names contain FILTER
test FILTER='':
    cargo test --workspace --locked {{FILTER}}

# Check format, lints and dependencies
lint:
    cargo fmt --all --check
    .ci/python
    cargo clippy --workspace --all-targets --locked -- -D warnings
    .ci/deny
    .ci/workflows

# Repair the format, and what ruff can
fix:
    cargo fmt --all
    .ci/python --fix

# Do all that CI does
ci:
    .ci/run

# Show every step against a simulated Dixa
demo:
    cargo run --example demo

# Start a simulated Dixa
simulator *OPTIONS:
    cargo run -p dixa-simulator -- {{OPTIONS}}

# Build and test the image
image:
    .ci/docker

# Build and test the wheel, and pack the archive
package:
    .ci/wheel
    .ci/archive

# Build for Linux on arm64, and test it in an emulator
arm64:
    .ci/arm64
