//! What a key holds and a record does not; that both mean the same is shown where causes are (`analysis::cause`).

use super::*;

#[test]
fn addresses_of_both_families() {
    let mut key = [0; SOURCE_LEN];
    key[10..16].copy_from_slice(&[0xff, 0xff, 192, 0, 2, 7]);
    assert_eq!(source(&key), "192.0.2.7".parse::<IpAddr>().unwrap());
    key[..16].copy_from_slice(&"2001:db8::7".parse::<Ipv6Addr>().unwrap().octets());
    // The namespace is no part of it.
    key[16..].copy_from_slice(&[9, 9, 9, 9]);
    assert_eq!(source(&key), "2001:db8::7".parse::<IpAddr>().unwrap());
}

#[test]
fn the_namespace_is_0_where_it_is_not_known() {
    let mut key = [0; FACTS_LEN];
    key[13] = tracer_common::event::site::LISTEN;
    assert_eq!(kind(&key).unwrap().netns, None);
    key[..4].copy_from_slice(&77_u32.to_ne_bytes());
    assert_eq!(kind(&key).unwrap().netns, Some(77));
}
