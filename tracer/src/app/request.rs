//! From the words of the command line to what the kernel side and the output need.

use std::{net::IpAddr, sync::Arc};

use ipnet::IpNet;
use tracer_common::config::{Filter, MAX_PREFIXES, PORT_WORDS};

use super::namespaces::{ifindex, resolve};
use crate::{
    analysis::selection::Selection,
    cli::{Hooks, LiveArgs, SelectArgs, TypesArgs, selected},
    error::{Exit, Failure, words},
    kernel::{
        hooks::Set,
        load::KernelFilter,
        plan::{TypesFrom, Wish},
    },
    model::{Cause, report::FilterWords},
    netns::Netns,
};

/// The filter in all its forms.
pub struct Filters {
    /// For the programs.
    pub kernel: KernelFilter,
    /// For the output.
    pub words: FilterWords,
    /// Causes to show and count.
    pub causes: Vec<Cause>,
    /// The one namespace that is watched.
    pub netns: Option<Arc<Netns>>,
}

/// Works out the filters.
///
/// # Errors
/// When an interface or a namespace does not exist, or there are too many prefixes.
pub fn filters(args: &LiveArgs, held: Option<Arc<Netns>>) -> Result<Filters, Failure> {
    let mut netns = match (&args.watch.netns, held) {
        (Some(word), _) => Some(Arc::new(resolve(word)?)),
        (None, held) => held,
    };
    let mut words = Filter::default();
    if let Some(name) = &args.watch.interface {
        // An interface belongs to one namespace, and its index means nothing in another.
        let home = match netns.take() {
            Some(netns) => netns,
            None => Arc::new(Netns::current().map_err(|error| own_namespace(&error))?),
        };
        words.ifindex = ifindex(name, &home)?;
        netns = Some(home);
    }
    words.netns = netns.as_ref().map_or(0, |netns| netns.inode());
    let selection = selection(&args.watch.select);
    words.family = selection.family.unwrap_or(0).into();
    let mut ports = Box::new([0_u64; PORT_WORDS]);
    for port in selection.ports.iter().flat_map(|(first, last)| *first..=*last) {
        ports[usize::from(port >> 6)] |= 1 << (port & 63);
    }
    words.ports = (!selection.ports.is_empty()).into();
    words.prefixes = (!selection.from.is_empty()).into();
    if selection.from.len() > MAX_PREFIXES as usize {
        return Err(Failure::new(
            Exit::Usage,
            "too many prefixes",
            format!("--from was given {} times, and there is room for {MAX_PREFIXES}", selection.from.len()),
            "join neighbours into wider prefixes: `tracer --from 198.51.100.0/24`",
        ));
    }
    let causes = selected(&args.watch.select.cause);
    words.no_listener = causes.contains(&Cause::NoListener).into();
    Ok(Filters {
        words: FilterWords {
            interface: args.watch.interface.clone(),
            netns: args.watch.netns.clone(),
            ..in_words(&args.watch.select)
        },
        kernel: KernelFilter { words, ports, prefixes: selection.from.iter().map(prefix).collect() },
        causes,
        netns,
    })
}

/// Which SYNs are looked at, where no kernel filters them.
pub fn selection(args: &SelectArgs) -> Selection {
    Selection {
        ports: args.port.as_ref().map(|ports| ports.0.clone()).unwrap_or_default(),
        family: match (args.ipv4, args.ipv6) {
            (true, _) => Some(4),
            (_, true) => Some(6),
            _ => None,
        },
        from: args.from.clone(),
    }
}

/// The same for the output.
pub fn in_words(args: &SelectArgs) -> FilterWords {
    let Selection { ports, family, from } = selection(args);
    let causes = if args.cause.is_empty() { Vec::new() } else { selected(&args.cause) };
    FilterWords {
        ports,
        family,
        from: from.iter().map(ToString::to_string).collect(),
        interface: None,
        netns: None,
        causes,
    }
}

/// In the 128-bit form, where IPv4 lives below `::ffff:0:0/96`.
fn prefix(net: &IpNet) -> (u32, [u8; 16]) {
    match net.trunc().addr() {
        IpAddr::V4(v4) => (96 + u32::from(net.prefix_len()), v4.to_ipv6_mapped().octets()),
        IpAddr::V6(v6) => (u32::from(net.prefix_len()), v6.octets()),
    }
}

/// Where types come from, as far as that was asked for.
pub fn types_from(args: &TypesArgs) -> Option<TypesFrom> {
    let file = args.btf.clone().map(TypesFrom::File);
    file.or(args.calibrate.then_some(TypesFrom::Calibration))
}

/// The hook set that was asked for.
pub fn wish(hooks: Hooks) -> Wish {
    match hooks {
        Hooks::Auto => Wish::Auto,
        Hooks::Fentry => Wish::Only(Set::Fentry),
        Hooks::Kprobe => Wish::Only(Set::Kprobe),
        Hooks::Tracepoint => Wish::Only(Set::Tracepoint),
        Hooks::Legacy => Wish::Only(Set::Legacy),
    }
}

fn own_namespace(error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::Failure,
        "cannot tell which network namespace this is",
        words(error),
        "mount it, `mount -t proc proc /proc`, or name the namespace: `tracer --netns PATH`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_in_the_long_form() {
        let long = |text: &str| prefix(&text.parse().unwrap());
        let (len, bytes) = long("198.51.100.77/24");
        assert_eq!(len, 120);
        assert_eq!(bytes[10..], [0xff, 0xff, 198, 51, 100, 0]);
        let (len, bytes) = long("2001:db8:1::/33");
        assert_eq!((len, bytes[0]), (33, 0x20));
        assert_eq!(long("0.0.0.0/0").0, 96);
    }
}
