//! `/proc/net/tcp` and `/proc/net/tcp6`: who listens where. Listeners stand first, so whoever reads may stop behind them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Socket {
    /// Local address; an IPv6 one also where it stands for an IPv4 one (`::ffff:192.0.2.1`).
    pub address: IpAddr,
    /// Local port.
    pub port: u16,
    /// Its number, `socket:[NUMBER]` among the descriptors of a process.
    pub inode: u64,
}

/// A line of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A socket that listens.
    Listening(Socket),
    /// Any other socket.
    Other,
    /// None at all.
    Title,
}

/// Reads a line.
pub fn line(text: &str) -> Line {
    let mut words = text.split_ascii_whitespace();
    let mut word = |n: usize| words.nth(n).unwrap_or_default();
    let (local, state, inode) = (word(1), word(1), word(5));
    let Some((address, port)) = local.split_once(':') else { return Line::Title };
    let number = |text: &str| u16::from_str_radix(text, 16).ok();
    // TCP_LISTEN.
    if state != "0A" {
        return if number(state).is_some() { Line::Other } else { Line::Title };
    }
    match (self::address(address), number(port), inode.parse()) {
        (Some(address), Some(port), Ok(inode)) => Line::Listening(Socket { address, port, inode }),
        _ => Line::Title,
    }
}

/// Words of four bytes in network order, each printed as a number of this machine.
fn address(text: &str) -> Option<IpAddr> {
    let word = |n: usize| u32::from_str_radix(text.get(n * 8..n * 8 + 8)?, 16).ok().map(u32::to_ne_bytes);
    match text.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            let bytes: [u8; 16] = std::array::from_fn(|n| words[n / 4][n % 4]);
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn lines_of_a_kernel() {
        let title = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
        assert_eq!(line(title), Line::Title);
        let v4 = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000005 00:00000000 00000000  1000        0 49001 1 0000000000000000 100 0 0 10 0";
        let socket = |address: &str, port, inode| {
            Line::Listening(Socket { address: address.parse().unwrap(), port, inode })
        };
        assert_eq!(line(v4), socket("127.0.0.1", 8080, 49_001));
        let v6 = "   1: B80D0120000000000000000001000000:01BB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7 1 0000000000000000 100 0 0 10 0";
        assert_eq!(line(v6), socket("2001:db8::1", 443, 7));
        let mapped = "   1: 0000000000000000FFFF00000100007F:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 8 1 0000000000000000 100 0 0 10 0";
        assert_eq!(line(mapped), socket("::ffff:127.0.0.1", 80, 8));
        let open = "   2: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 9 1 0000000000000000 20 4 30 10 -1";
        assert_eq!(line(open), Line::Other);
        for broken in ["", "0:", "a b c d", "0: 0100:1F90 x 0A 0 0 0 0 0 1", &v4[..40]] {
            assert_eq!(line(broken), Line::Title, "{broken:?}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_read(text: String, words in proptest::collection::vec("[0-9A-F:]{0,33}", 0..12)) {
            let _ = (line(&text), line(&words.join(" ")));
        }
    }
}
