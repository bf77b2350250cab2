//! The two families, and the addresses of a laboratory in each.

use std::net::IpAddr;

/// IP version of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V4 => "v4",
            Self::V6 => "v6",
        }
    }

    /// The address with this host number, of those that are behind the wire; 1 is the server.
    pub(crate) fn host(self, number: u8) -> IpAddr {
        match self {
            Self::V4 => IpAddr::from([10, 77, 0, number]),
            Self::V6 => IpAddr::from([0xfd77, 0, 0, 0, 0, 0, 0, u16::from(number)]),
        }
    }

    /// An address outside the wire's network.
    pub(crate) fn stranger(self, number: u8) -> IpAddr {
        match self {
            Self::V4 => IpAddr::from([10, 99, 0, number]),
            Self::V6 => IpAddr::from([0xfd99, 0, 0, 0, 0, 0, 0, u16::from(number)]),
        }
    }

    /// The other one.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::V4 => Self::V6,
            Self::V6 => Self::V4,
        }
    }
}
