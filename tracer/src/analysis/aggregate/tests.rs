//! Sizes; what the rows hold is tested through the engine.

use super::*;

#[test]
fn a_row_is_small() {
    assert!(size_of::<Row>() <= 200, "{} bytes", size_of::<Row>());
}
