//! Who listens, in a drop's line and in the summary.

use serde::Serialize;

use crate::{
    decode::cgroup,
    model::listener::{self as model, Served},
};

#[derive(Serialize)]
pub(super) struct Listener<'a> {
    pid: u32,
    comm: &'a str,
    cgroup: Option<&'a str>,
    container: Option<&'a str>,
    pod: Option<String>,
    processes: Option<u32>,
    sockets: Option<u32>,
}

impl<'a> From<&'a model::Listener> for Listener<'a> {
    fn from(listener: &'a model::Listener) -> Self {
        let model::Listener { pid, comm, cgroup, processes, sockets } = listener;
        let cgroup = cgroup.as_deref();
        let place = cgroup.map(cgroup::place).unwrap_or_default();
        Self {
            pid: *pid,
            comm,
            cgroup,
            container: place.container,
            pod: place.pod.map(cgroup::uid),
            processes: *processes,
            sockets: *sockets,
        }
    }
}

#[derive(Serialize)]
pub(super) struct ServedRow<'a> {
    netns: Option<u32>,
    netns_name: Option<&'a str>,
    dst: std::net::IpAddr,
    dport: u16,
    listener: Option<Listener<'a>>,
    drops: u64,
}

impl<'a> From<&'a Served> for ServedRow<'a> {
    fn from(served: &'a Served) -> Self {
        let Served { netns, netns_name, dst, dport, listener, drops } = served;
        Self {
            netns: *netns,
            netns_name: netns_name.as_deref(),
            dst: *dst,
            dport: *dport,
            listener: listener.as_deref().map(Listener::from),
            drops: *drops,
        }
    }
}
