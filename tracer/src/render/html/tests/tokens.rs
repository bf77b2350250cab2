//! A page as a browser's tokenizer takes it apart.

use std::cell::RefCell;

use html5ever::{
    buffer_queue::BufferQueue,
    tendril::StrTendril,
    tokenizer::{Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts, states::RawKind},
};

/// A piece of markup, or text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A tag with its attributes.
    Open(String, Vec<(String, String)>),
    /// The end of an element.
    Close(String),
    /// Comments and what else there is; none is expected.
    Other(String),
    /// Anything else.
    Text(String),
}

#[derive(Default)]
struct Sink(RefCell<Vec<Piece>>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut next = TokenSinkResult::Continue;
        let piece = match token {
            Token::TagToken(Tag { kind: TagKind::EndTag, name, .. }) => Piece::Close(name.to_string()),
            Token::TagToken(Tag { name, attrs, .. }) => {
                // What the builder of the tree would say: titles in pictures are elements like all others.
                let in_head = !self
                    .0
                    .borrow()
                    .iter()
                    .any(|piece| matches!(piece, Piece::Open(tag, _) if tag == "body"));
                next = match &*name {
                    "title" if in_head => TokenSinkResult::RawData(RawKind::Rcdata),
                    "style" => TokenSinkResult::RawData(RawKind::Rawtext),
                    "script" => TokenSinkResult::RawData(RawKind::ScriptData),
                    _ => TokenSinkResult::Continue,
                };
                let attributes = attrs.iter().map(|one| (one.name.local.to_string(), one.value.to_string()));
                Piece::Open(name.to_string(), attributes.collect())
            }
            Token::CharacterTokens(text) => Piece::Text(text.to_string()),
            Token::NullCharacterToken => Piece::Text("\0".into()),
            Token::EOFToken => return next,
            Token::CommentToken(text) => Piece::Other(format!("comment {text}")),
            Token::DoctypeToken(kind) => Piece::Other(format!("{kind:?}")),
            Token::ParseError(words) => panic!("the page is malformed: {words}"),
        };
        self.0.borrow_mut().push(piece);
        next
    }
}

/// All of a page, in order.
pub(super) fn pieces(page: &str) -> Vec<Piece> {
    let tokenizer =
        Tokenizer::new(Sink::default(), TokenizerOpts { exact_errors: true, ..TokenizerOpts::default() });
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(page));
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.into_inner()
}

/// Its text, style and script included.
pub(super) fn text(page: &str) -> String {
    let text = |piece| if let Piece::Text(text) = piece { Some(text) } else { None };
    pieces(page).into_iter().filter_map(text).collect()
}
