//! The TCP option area: what clients send, and what nobody should.

use etherparse::{TcpHeader, TcpOptionElement, TcpOptions};
use proptest::prelude::*;

use crate::{decode::tcp, model::Syn};

/// MSS 1460, SACK permitted, TSval 0x01020304 TSecr 0, NOP, window scale 7: the layout of Linux.
pub(super) const LINUX: [u8; 20] = [2, 4, 5, 180, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7];

/// The SYN with these options, in a header that claims as many.
fn syn(options: &[u8]) -> Syn {
    let mut header = [0; 20];
    let words = u8::try_from((20 + options.len()).div_ceil(4)).unwrap();
    header[12] = words << 4;
    header[13] = 2;
    tcp::syn(&header, options, 64).2
}

/// Kinds, MSS, window scale, TSval, malformed or not: one line.
fn line(syn: &Syn) -> String {
    let number = |value: Option<u32>| value.map_or("-".into(), |value| value.to_string());
    format!(
        "{} mss={} ws={} ts={}{}",
        syn.options,
        number(syn.mss.map(u32::from)),
        number(syn.wscale.map(u32::from)),
        number(syn.tsval),
        if syn.malformed { " malformed" } else { "" }
    )
}

#[test]
fn options_of_real_clients() {
    let rows: [(&[u8], &str); 8] = [
        (&LINUX, "mss,sok,ts,nop,ws mss=1460 ws=7 ts=16909060"),
        (&[], " mss=- ws=- ts=-"),
        // Windows: no timestamps.
        (&[2, 4, 5, 180, 1, 3, 3, 8, 1, 1, 4, 2], "mss,nop,ws,nop,nop,sok mss=1460 ws=8 ts=-"),
        // macOS: two end-of-list bytes fill the last word.
        (
            &[2, 4, 5, 180, 1, 3, 3, 6, 1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 4, 2, 0, 0],
            "mss,nop,ws,nop,nop,ts,sok,eol mss=1460 ws=6 ts=9",
        ),
        (&[2, 4, 0, 0], "mss mss=0 ws=- ts=-"),
        // Fast Open cookie request, and an unknown kind.
        (&[34, 2, 1, 1], "?34,nop,nop mss=- ws=- ts=-"),
        (&[253, 4, 0xf9, 0x89], "?253 mss=- ws=- ts=-"),
        // What stands behind the end of the list does not count.
        (&[0, 2, 4, 5], "eol mss=- ws=- ts=-"),
    ];
    for (options, want) in rows {
        assert_eq!(line(&syn(options)), want);
    }
}

#[test]
fn hostile_options_keep_what_came_before() {
    let rows: [(&[u8], &str); 12] = [
        // Lengths 0 and 1 would never get on.
        (&[2, 0, 5, 180], "mss mss=- ws=- ts=- malformed"),
        (&[2, 1, 5, 180], "mss mss=- ws=- ts=- malformed"),
        (&[253, 0, 1, 1], "?253 mss=- ws=- ts=- malformed"),
        (&[2, 4, 5, 180, 8, 1, 0, 0], "mss,ts mss=1460 ws=- ts=- malformed"),
        // Past the end, by one and by all.
        (&[8, 10, 0, 0, 0, 1, 0, 0], "ts mss=- ws=- ts=- malformed"),
        (&[2, 5, 5, 180], "mss mss=- ws=- ts=- malformed"),
        (&[253, 255, 0, 0], "?253 mss=- ws=- ts=- malformed"),
        // A kind as the last byte.
        (&[1, 1, 1, 8], "nop,nop,nop,ts mss=- ws=- ts=- malformed"),
        // A length that the kind does not have: the value is not taken, the rest is read on.
        (&[2, 3, 5, 1], "mss,nop mss=- ws=- ts=- malformed"),
        (&[3, 4, 7, 7], "ws mss=- ws=- ts=- malformed"),
        (&[8, 6, 0, 0, 0, 1, 4, 2], "ts,sok mss=- ws=- ts=- malformed"),
        (&[8, 2, 2, 4, 5, 180, 1, 1], "ts,mss,nop,nop mss=1460 ws=- ts=- malformed"),
    ];
    for (options, want) in rows {
        assert_eq!(line(&syn(options)), want, "{options:?}");
    }
}

#[test]
fn every_prefix_of_a_good_option_area() {
    let mut header = [0; 20];
    header[12] = 10 << 4;
    for len in 0..=LINUX.len() {
        let (.., syn) = tcp::syn(&header, &LINUX[..len], 64);
        // The header claims more than there is.
        assert_eq!(syn.malformed, len < LINUX.len(), "{len}");
        assert_eq!(syn.mss, (len >= 4).then_some(1460), "{len}");
        assert_eq!(syn.tsval, (len >= 16).then_some(0x0102_0304), "{len}");
        assert_eq!(syn.wscale, (len == 20).then_some(7), "{len}");
    }
}

#[test]
fn a_header_that_claims_another_length() {
    for words in 0..=15_u8 {
        let mut header = [0; 20];
        header[12] = words << 4;
        assert_eq!(tcp::syn(&header, &LINUX, 64).2.malformed, words != 10, "{words} words");
        assert_eq!(tcp::syn(&header, &[], 64).2.malformed, words != 5, "{words} words");
    }
}

#[test]
fn the_longest_area() {
    let nops = syn(&[1; 40]);
    assert_eq!((nops.options.as_slice().len(), nops.malformed), (40, false));
    // The last timestamps option is the one that counts, as in the kernel.
    let mut twice = [1; 24];
    twice[..10].copy_from_slice(&[8, 10, 0, 0, 0, 1, 0, 0, 0, 0]);
    twice[12..22].copy_from_slice(&[8, 10, 0, 0, 0, 2, 0, 0, 0, 3]);
    let twice = syn(&twice);
    assert_eq!((twice.tsval, twice.tsecr), (Some(2), Some(3)));
}

fn any_option() -> impl Strategy<Value = TcpOptionElement> {
    prop_oneof![
        Just(TcpOptionElement::Noop),
        any::<u16>().prop_map(TcpOptionElement::MaximumSegmentSize),
        any::<u8>().prop_map(TcpOptionElement::WindowScale),
        Just(TcpOptionElement::SelectiveAcknowledgementPermitted),
        any::<(u32, u32)>().prop_map(|(value, echo)| TcpOptionElement::Timestamp(value, echo)),
    ]
}

proptest! {
    #[test]
    fn any_area_is_read_or_marked(options in proptest::collection::vec(any::<u8>(), 0..=40), header in any::<[u8; 20]>()) {
        let (.., syn) = tcp::syn(&header, &options, 1);
        prop_assert!(syn.options.as_slice().len() <= options.len());
        prop_assert_eq!(syn.tsval.is_some(), syn.tsecr.is_some());
        if let Some(first) = options.first() {
            prop_assert_eq!(syn.options.as_slice().first(), Some(first));
        }
    }

    /// A second opinion: what another implementation writes is read as it was meant.
    #[test]
    fn headers_of_another_writer(
        elements in proptest::collection::vec(any_option(), 0..5),
        ports in any::<(u16, u16)>(),
        (seq, window) in any::<(u32, u16)>(),
    ) {
        let Ok(options) = TcpOptions::try_from_elements(&elements) else { return Ok(()) };
        let mut written = TcpHeader::new(ports.0, ports.1, seq, window);
        written.syn = true;
        written.options = options;
        let bytes = written.to_bytes();
        let (header, area) = bytes.split_first_chunk::<20>().expect("a header has twenty bytes");
        let (sport, dport, syn) = tcp::syn(header, area, 77);
        prop_assert_eq!((sport, dport, syn.seq, syn.window, syn.ttl), (ports.0, ports.1, seq, window, 77));
        prop_assert!(!syn.malformed, "{syn:?}");
        let mut want = Syn::default();
        for element in &elements {
            match element {
                TcpOptionElement::MaximumSegmentSize(mss) => want.mss = Some(*mss),
                TcpOptionElement::WindowScale(shift) => want.wscale = Some(*shift),
                TcpOptionElement::Timestamp(value, echo) => (want.tsval, want.tsecr) = (Some(*value), Some(*echo)),
                _ => {}
            }
        }
        prop_assert_eq!((syn.mss, syn.wscale, syn.tsval, syn.tsecr), (want.mss, want.wscale, want.tsval, want.tsecr));
    }
}
