//! On this machine's own sockets and processes: what needs no privilege.

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};

use super::*;

fn key_of(listener: &TcpListener, dst: IpAddr) -> Key {
    let netns = Netns::current().unwrap().inode();
    Key { netns, dst, dport: listener.local_addr().unwrap().port() }
}

fn find(keys: &[Key]) -> Vec<Option<Found>> {
    Finder::new(None).find(keys)
}

#[test]
fn this_process_is_found_and_its_end_noticed() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let key = key_of(&listener, Ipv4Addr::LOCALHOST.into());
    let found = find(&[key]).pop().flatten().expect("we listen");
    let who = &*found.listener;
    assert_eq!((who.pid, who.sockets), (std::process::id(), Some(1)));
    let comm = fs::read_to_string("/proc/self/comm").unwrap();
    assert_eq!(who.comm, comm.trim_end());
    assert!(who.cgroup.as_ref().is_none_or(|path| path.starts_with('/')), "{who:?}");
    assert!(found.still_holds());
    drop(listener);
    assert!(!found.still_holds());
    assert!(find(&[key])[0].is_none());
}

#[test]
fn all_addresses_are_those_of_this_machine() {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let here = key_of(&listener, Ipv4Addr::LOCALHOST.into());
    // TEST-NET-1: nobody's. Another port: nobody's, too.
    let elsewhere = key_of(&listener, Ipv4Addr::new(192, 0, 2, 77).into());
    let found = find(&[elsewhere, here, Key { dport: 1, ..here }]);
    assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, false]);
}

#[test]
fn ipv6_takes_ipv4() {
    // A machine without IPv6 has nothing to show.
    let Ok(listener) = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)) else { return };
    let keys = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()].map(|dst| key_of(&listener, dst));
    assert!(find(&keys).iter().all(Option::is_some));
}

#[test]
fn a_namespace_that_is_gone() {
    let key = Key { netns: 1, dst: Ipv4Addr::LOCALHOST.into(), dport: 80 };
    assert!(find(&[key])[0].is_none());
}

#[test]
fn processes_by_their_own_words() {
    let own = holder(Path::new("/proc/self")).unwrap();
    assert_eq!(own.pid, std::process::id());
    assert_eq!(own.parent, std::os::unix::process::parent_id());
    assert!(own.begun > 0);
    assert!(holder(Path::new("/proc/nowhere")).is_none());
}
