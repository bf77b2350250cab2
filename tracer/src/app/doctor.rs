//! `tracer doctor`: looks at everything that decides what can be seen here, and says what it means. Every hook set is
//! attached for real and taken off again; nothing is changed.

use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};

use super::{
    environment::{add_machine_wide, own_nat, sysctls},
    listeners::count,
    live::SETTINGS,
    namespaces::{Namespaces, read_counters},
    request::types_from,
    sink::Sink,
    tracing::time_of_day,
};
use crate::{
    analysis::{checkup::can_trace, snmp::CHECKED},
    cli::{DoctorArgs, Output, TypesArgs},
    error::{Exit, Failure, words},
    kernel::{
        capability,
        hooks::Set,
        load::{KernelFilter, has_programs},
        plan::{Facts, TypesFrom, unfit},
        trial::{Trial, try_out},
    },
    model::checkup::{Checkup, HookCheck, Outcome, Place, SetCheck},
    render::json,
};

/// Namespaces that are shown.
const PLACES: usize = 64;
/// How long namespaces are looked at.
const PATIENCE: Duration = Duration::from_secs(1);

/// Looks, and says.
///
/// # Errors
/// When standard output cannot be written.
pub fn doctor(args: &DoctorArgs) -> Result<Exit, Failure> {
    super::debug::install(args.verbose.saturating_sub(1));
    let checkup = look(&args.types);
    let mut sink = Sink::stdout();
    let text = match args.format.output {
        Output::Json => json::doctor(&checkup),
        Output::Text => super::style(args.ink.color, true, args.verbose, sink.is_terminal()).doctor(&checkup),
    };
    sink.line(&text)?;
    sink.flush()?;
    Ok(if can_trace(&checkup) { Exit::Done } else { Exit::Unable })
}

fn look(types: &TypesArgs) -> Checkup {
    let facts = capability::facts(types_from(types));
    capability::raise_memlock();
    let mut not_looked_at = Vec::new();
    let sets: Vec<SetCheck> = Set::ALL.into_iter().map(|set| try_set(&facts, set)).collect();
    if !has_programs() {
        not_looked_at.push("whether hooks attach: this program was built without its eBPF part".into());
    } else if !facts.lacking_capabilities.is_empty() {
        let lacking = facts.lacking_capabilities.join(" and ");
        not_looked_at.push(format!("whether hooks attach: this process lacks {lacking}"));
    }
    let (places, places_left_out) = places(&mut not_looked_at);
    let own_nat = own_nat();
    if own_nat.is_none() {
        not_looked_at.push("the firewall's rules: neither nft nor iptables-save could be asked".into());
    }
    let types = facts.types.as_ref();
    let lacking_fields =
        |types: &crate::kernel::types::Types| (!types.lacking.is_empty()).then(|| types.lacking.join("; "));
    Checkup {
        time: time_of_day().unwrap_or_default(),
        kernel: facts.kernel.clone(),
        unbuilt: !has_programs(),
        lacking: facts.lacking_capabilities.iter().map(|name| (*name).to_owned()).collect(),
        types_path: match &facts.types_from {
            TypesFrom::File(path) => path.display().to_string(),
            TypesFrom::Kernel | TypesFrom::Calibration => capability::KERNEL_BTF.into(),
        },
        types: facts.types_used(),
        no_types: types.map_or_else(|none| Some(none.why.clone()), lacking_fields),
        unfit: unfit(&facts).map(Failure::from).map(|failure| format!("{}: {}", failure.what, failure.why)),
        lockdown: capability::lockdown(),
        rx_sk: types.ok().map(|types| types.kfree_rx_sk),
        check_req_reasons: types.ok().map(|types| types.args("tcp_check_req") >= 6),
        sets,
        places,
        places_left_out,
        own_nat,
        not_looked_at,
    }
}

fn try_set(facts: &Facts, set: Set) -> SetCheck {
    let filter = KernelFilter {
        words: tracer_common::config::Filter::default(),
        ports: Box::new([0; tracer_common::config::PORT_WORDS]),
        prefixes: Vec::new(),
    };
    let begun = Instant::now();
    let trial = try_out(facts, set, &filter, SETTINGS);
    let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    // Where the process may not even ask, a refusal says nothing of the kernel; where it takes none, all say the same.
    let may_ask = facts.lacking_capabilities.is_empty() && has_programs() && unfit(facts).is_none();
    let Trial { outcome, hooks } = trial;
    SetCheck {
        set: set.name().into(),
        outcome: match outcome {
            Ok(plan) => Outcome::Attaches { missing: plan.missing, blind: plan.blind },
            Err(failure) if may_ask => Outcome::Refused(failure.why),
            Err(failure) => Outcome::NotTried(failure.why),
        },
        hooks: hooks
            .into_iter()
            .map(|(hook, result)| HookCheck {
                hook: hook.into(),
                attaches: if may_ask { Some(result.is_ok()) } else { None },
                why: result.err(),
            })
            .collect(),
        took_ms,
    }
}

/// Our own namespace and those in which somebody listens, the busiest first; and how many more there are.
fn places(not_looked_at: &mut Vec<String>) -> (Vec<Place>, u64) {
    let mut namespaces = Namespaces::find(None);
    let own = namespaces.own();
    let inodes: Vec<u32> = namespaces.inodes().filter(|inode| *inode != own).collect();
    let until = Instant::now() + PATIENCE;
    let mut first = look_into(&mut namespaces, own).unwrap_or_default();
    first.netns = own;
    add_machine_wide(&mut first.sysctls, &mut namespaces, own);
    let (mut others, mut refused, mut late) = (Vec::new(), Vec::new(), 0);
    for inode in inodes {
        if Instant::now() > until {
            late += 1;
            continue;
        }
        match look_into(&mut namespaces, inode) {
            Ok(place) if place.listeners > 0 => others.push(place),
            Ok(_) => {}
            Err(error) => refused.push(error),
        }
    }
    if let Some(error) = refused.first() {
        not_looked_at.push(format!("{} other network namespaces: {}", refused.len(), words(error)));
    }
    if late > 0 {
        not_looked_at.push(format!("{late} other network namespaces: there are too many"));
    }
    if !nix::unistd::geteuid().is_root() {
        not_looked_at.push("network namespaces of other users' processes: this needs root".into());
    }
    others.sort_by_key(|place| (std::cmp::Reverse(place.listeners), place.netns));
    let left_out = others.len().saturating_sub(PLACES - 1) as u64;
    others.truncate(PLACES - 1);
    others.insert(0, first);
    (others, left_out)
}

fn look_into(namespaces: &mut Namespaces, netns: u32) -> io::Result<Place> {
    let name = namespaces.name(netns);
    namespaces.inside(netns, move || {
        let mut counters = read_counters()?.counters;
        counters.retain(|name, _| CHECKED.contains(&name.as_str()));
        Ok(Place {
            netns,
            name: name.map(|name| name.to_string()),
            listeners: count(),
            counters,
            sysctls: sysctls(Path::new("/proc/sys")),
        })
    })
}
