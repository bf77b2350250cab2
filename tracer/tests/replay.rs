//! `tracer replay` as a user runs it: captures made here, of every kind, whole and broken, from files and live pipes.
//!
//! The captures hold one small incident whose end is known. Real captures are nobody's to publish here: where a folder of
//! them is named (`TRACER_CAPTURES`), what is said of each is compared with the text in `replay/expected`.

mod replay {
    mod broken;
    mod captures;
    mod files;
    mod formats;
    mod options;
    mod pipe;
    mod said;
    mod story;
}
