//! No messages: they need a ring buffer.

macro_rules! debug {
    ((), $format:literal $(, $value:expr)* $(,)?) => {{
        $(let _ = $value;)*
    }};
}
pub(crate) use debug;
