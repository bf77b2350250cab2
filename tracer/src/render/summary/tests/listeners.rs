//! Who lost how many, whose queues were full, and what the kernel calls the rest.

use super::*;
use crate::model::{
    listener::{Listener, Served},
    report::{Listener as FullListener, Listeners, Reasons},
};

fn served(dst: &str, dport: u16, drops: u64, listener: Option<Listener>) -> Served {
    let dst = dst.parse().unwrap();
    Served {
        netns: Some(4_026_532_000),
        netns_name: None,
        dst,
        dport,
        listener: listener.map(Into::into),
        drops,
    }
}

/// A pod's, a prefork server's that listens on all addresses, and nobody's.
pub(super) fn with_listeners() -> Summary {
    let id = "0123456789abcdef".repeat(4);
    let cgroup = format!("/kubepods/burstable/pod8f0d1c8e-6d3b-4a52-9e71-2b0c4d5e6f70/{id}");
    let pod = Listener {
        pid: 4_194_304,
        comm: "fifteen-letters".into(),
        cgroup: Some(cgroup),
        processes: Some(1),
        sockets: Some(4),
    };
    let web = Listener {
        pid: 812,
        comm: "ng\x1binx".into(),
        cgroup: Some("/system.slice/nginx.service".into()),
        processes: Some(5),
        sockets: Some(1),
    };
    let mut rows = vec![
        served("198.51.100.7", 443, 40, Some(web.clone())),
        served("198.51.100.7", 8080, 30, Some(pod)),
        served("2001:db8::7", 443, 2, Some(web)),
        served("198.51.100.7", 22, 1, None),
    ];
    rows[1].netns_name = Some("cni-1234".into());
    Summary { served: rows, served_other: 9, ..busy() }
}

#[test]
fn who_lost_how_many() {
    let text = style(80).summary(&start(FilterWords::default()), &with_listeners());
    let (_, rest) = text.split_once("\nListeners:\n").unwrap();
    let (table, _) = rest.split_once("\n\n").unwrap();
    assert_eq!(
        table,
        "   DROPS  PORT   PROCESS             WHERE
      42  443    ng?inx (812)        and 4 more processes, in nginx.service,
                                     netns 4026532000
      30  8080   fifteen-letters (4194304)  4 sockets, container 0123456789ab,
                                     pod 8f0d1c8e-6d3b-4a52-9e71-2b0c4d5e6f70,
                                     netns cni-1234
       1  22     ?                   to 198.51.100.7, netns 4026532000
       9  (at other listeners)"
    );
    let unknown = Summary { served: vec![served("198.51.100.7", 22, 1, None)], ..busy() };
    assert!(!style(80).summary(&start(FilterWords::default()), &unknown).contains("Listeners"));
}

#[test]
fn reasons_and_full_queues() {
    let listener = |dport, drops| FullListener {
        netns: None,
        dst: "2001:db8::7".parse().unwrap(),
        dport,
        by_cause: BTreeMap::from([(Cause::AcceptQueueFull, drops)]),
        accept_queue: Some((6, 5)),
        syn_queue: None,
        beside_syn_queue: None,
    };
    let mut summary = busy();
    assert!(!style(80).summary(&start(FilterWords::default()), &summary).contains("Full queues"));
    summary.reasons = Reasons { named: vec![("TCP_CSUM".into(), 8)], beyond: 2, none: 1 };
    summary.listeners = Listeners { full: (0..5).map(|n| listener(443 + n, 9)).collect(), beyond: 4 };
    let text = style(400).summary(&start(FilterWords::default()), &summary);
    assert!(text.contains("\nOther reasons: 8 TCP_CSUM, 2 of others, 1 without.\n"), "{text}");
    let queues =
        "\nFull queues: [2001:db8::7]:443 dropped 9 (accept queue 6, its limit 5); [2001:db8::7]:444";
    assert!(text.contains(queues) && text.contains("; 22 drops of others.\n"), "{text}");
    assert_fits(&style(80).summary(&start(FilterWords::default()), &summary), 80);
}
