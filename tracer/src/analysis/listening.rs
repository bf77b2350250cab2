//! Which of the sockets of a namespace a SYN goes to, and which of the processes that hold it is called its listener.

use std::{
    cmp::Reverse,
    net::{IpAddr, Ipv6Addr},
};

use crate::decode::sockets::Socket;

/// The socket that a SYN goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its number.
    pub inode: u64,
    /// How many listen alike, this one included (`SO_REUSEPORT`).
    pub sockets: u32,
    /// Bound to the very address; otherwise to all of them, which says nothing of whose address it is.
    pub exact: bool,
}

/// Chooses as the kernel does (`__inet_lookup_listener`): the very address before all addresses, IPv4 before IPv6.
pub fn choose(sockets: &[Socket], dst: IpAddr, dport: u16) -> Option<Choice> {
    let at_port = || sockets.iter().filter(|socket| socket.port == dport);
    let best = at_port().filter_map(|socket| fit(socket.address, dst)).min()?;
    let alike = || at_port().filter(|socket| fit(socket.address, dst) == Some(best));
    Some(Choice {
        // The oldest: numbers grow until they wrap.
        inode: alike().map(|socket| socket.inode).min()?,
        sockets: u32::try_from(alike().count()).unwrap_or(u32::MAX),
        exact: matches!(best, Fit::Exact | Fit::Mapped),
    })
}

/// How well a socket fits, best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Exact,
    Mapped,
    All,
    DualStack,
}

fn fit(bound: IpAddr, dst: IpAddr) -> Option<Fit> {
    match (bound, dst) {
        _ if bound == dst => Some(Fit::Exact),
        (IpAddr::V6(bound), IpAddr::V4(dst)) if bound == dst.to_ipv6_mapped() => Some(Fit::Mapped),
        (IpAddr::V4(bound), IpAddr::V4(_)) if bound.is_unspecified() => Some(Fit::All),
        (IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V6(_)) => Some(Fit::All),
        // Whether it is for IPv6 alone the list does not tell; the kernel asked somebody, and nobody else is there.
        (IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V4(_)) => Some(Fit::DualStack),
        _ => None,
    }
}

/// A process that holds the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// That of its parent.
    pub parent: u32,
    /// When it began, in any unit.
    pub begun: u64,
    /// Its name.
    pub comm: String,
}

/// The one that a person would call the server: not the service manager that lends the socket, and of a master and its
/// workers the master; then the oldest.
pub fn server(holders: &[Holder]) -> Option<&Holder> {
    // Socket activation (systemd.socket(5)): the manager holds the socket as long as the service runs.
    let lends = |holder: &Holder| holder.pid == 1 || holder.comm == "systemd";
    let is_worker = |worker: &Holder| {
        holders.iter().any(|master| master.pid == worker.parent && master.pid != worker.pid && !lends(master))
    };
    holders
        .iter()
        .max_by_key(|holder| (!lends(holder), !is_worker(holder), Reverse(holder.begun), Reverse(holder.pid)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(address: &str, port: u16, inode: u64) -> Socket {
        Socket { address: address.parse().unwrap(), port, inode }
    }

    #[test]
    fn the_socket_that_the_kernel_takes() {
        let all = [
            socket("::", 80, 1),
            socket("0.0.0.0", 80, 2),
            socket("::ffff:192.0.2.1", 80, 3),
            socket("192.0.2.1", 80, 4),
            socket("2001:db8::1", 80, 5),
            socket("0.0.0.0", 443, 6),
            socket("::", 8080, 7),
            socket("127.0.0.1", 25, 8),
        ];
        for (dst, dport, inode, exact) in [
            ("192.0.2.1", 80, Some(4), true),
            ("192.0.2.2", 80, Some(2), false),
            ("2001:db8::1", 80, Some(5), true),
            ("2001:db8::2", 80, Some(1), false),
            // A wildcard of IPv6 takes IPv4, too; one of IPv4 takes nothing else.
            ("192.0.2.1", 8080, Some(7), false),
            ("2001:db8::1", 443, None, false),
            ("192.0.2.1", 25, None, false),
            ("192.0.2.1", 22, None, false),
        ] {
            let choice = choose(&all, dst.parse().unwrap(), dport);
            assert_eq!(choice.map(|choice| choice.inode), inode, "{dst} {dport}");
            assert!(
                choice.is_none_or(|choice| choice.exact == exact && choice.sockets == 1),
                "{dst} {dport}"
            );
        }
        let mapped = choose(&all[..3], "192.0.2.1".parse().unwrap(), 80).unwrap();
        assert_eq!((mapped.inode, mapped.exact), (3, true));
    }

    #[test]
    fn sockets_that_listen_alike() {
        let all = [socket("0.0.0.0", 80, 12), socket("0.0.0.0", 80, 11), socket("::", 80, 1)];
        let choice = choose(&all, "192.0.2.1".parse().unwrap(), 80);
        assert_eq!(choice, Some(Choice { inode: 11, sockets: 2, exact: false }));
    }

    #[test]
    fn the_process_that_is_called_the_server() {
        let holder = |pid, parent, begun, comm: &str| Holder { pid, parent, begun, comm: comm.into() };
        for (holders, pid) in [
            (vec![], None),
            (vec![holder(7, 1, 5, "nginx")], Some(7)),
            // Prefork, the numbers of the workers having wrapped.
            (
                vec![holder(40, 900, 20, "nginx"), holder(900, 1, 10, "nginx"), holder(41, 900, 21, "nginx")],
                Some(900),
            ),
            // Socket activation, alone and with the service in place.
            (vec![holder(1, 0, 0, "systemd")], Some(1)),
            (vec![holder(1, 0, 0, "systemd"), holder(300, 1, 9, "sshd")], Some(300)),
            (
                vec![holder(812, 1, 3, "systemd"), holder(900, 812, 9, "web"), holder(901, 900, 9, "web")],
                Some(900),
            ),
            // Two that do not know each other: the older; of the same age the lower.
            (vec![holder(5, 2, 9, "a"), holder(6, 3, 4, "b")], Some(6)),
            (vec![holder(6, 3, 4, "b"), holder(5, 2, 4, "a")], Some(5)),
            // A process that claims to be its own parent.
            (vec![holder(5, 5, 4, "a")], Some(5)),
        ] {
            assert_eq!(server(&holders).map(|holder| holder.pid), pid, "{holders:?}");
        }
    }
}
