//! Which SYNs are looked at, where no kernel filters them: by server port, family and client.

use ipnet::IpNet;

use crate::model::Flow;

/// A filter; the default lets everything pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Server ports as inclusive ranges; none: every port.
    pub ports: Vec<(u16, u16)>,
    /// 4 or 6.
    pub family: Option<u8>,
    /// Client prefixes; none: every client.
    pub from: Vec<IpNet>,
}

impl Selection {
    /// Whether a SYN on this way is looked at.
    pub fn holds(&self, flow: &Flow) -> bool {
        let in_range = |(first, last): &(u16, u16)| (*first..=*last).contains(&flow.dport);
        (self.ports.is_empty() || self.ports.iter().any(in_range))
            && self.family.is_none_or(|family| family == flow.family())
            && (self.from.is_empty() || self.from.iter().any(|net| net.contains(&flow.src)))
    }

    /// Whether it leaves anything out.
    pub fn narrow(&self) -> bool {
        *self != Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_leaves_out() {
        let flow = |src: &str, dport| Flow {
            src: src.parse().unwrap(),
            sport: 40_000,
            dst: src.parse().unwrap(),
            dport,
        };
        let all = Selection::default();
        assert!(all.holds(&flow("192.0.2.1", 1)) && all.holds(&flow("2001:db8::1", 1)) && !all.narrow());
        let ports = Selection { ports: vec![(80, 80), (443, 445)], ..Selection::default() };
        assert!(
            ports.holds(&flow("192.0.2.1", 444)) && !ports.holds(&flow("192.0.2.1", 81)) && ports.narrow()
        );
        let six = Selection { family: Some(6), ..Selection::default() };
        assert!(six.holds(&flow("2001:db8::1", 1)) && !six.holds(&flow("192.0.2.1", 1)));
        let from = Selection { from: vec!["192.0.2.0/24".parse().unwrap()], ..Selection::default() };
        assert!(from.holds(&flow("192.0.2.7", 1)) && !from.holds(&flow("198.51.100.7", 1)));
        assert!(!from.holds(&flow("2001:db8::1", 1)));
    }
}
