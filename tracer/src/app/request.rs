//! From the words of the command line to what the kernel side and the output need.

use std::{net::IpAddr, sync::Arc};

use ipnet::IpNet;
use tracer_common::config::{Filter, MAX_PREFIXES, PORT_WORDS};

use super::namespaces::{ifindex, resolve};
use crate::{
    cli::{Hooks, LiveArgs, selected},
    error::{Exit, Failure, words},
    kernel::{hooks::Set, load::KernelFilter, plan::Wish},
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
    let mut netns = match (&args.netns, held) {
        (Some(word), _) => Some(Arc::new(resolve(word)?)),
        (None, held) => held,
    };
    let mut words = Filter::default();
    if let Some(name) = &args.interface {
        // An interface belongs to one namespace, and its index means nothing in another.
        let home = match netns.take() {
            Some(netns) => netns,
            None => Arc::new(Netns::current().map_err(|error| own_namespace(&error))?),
        };
        words.ifindex = ifindex(name, &home)?;
        netns = Some(home);
    }
    words.netns = netns.as_ref().map_or(0, |netns| netns.inode());
    words.family = match (args.ipv4, args.ipv6) {
        (true, _) => 4,
        (_, true) => 6,
        _ => 0,
    };
    let mut ports = Box::new([0_u64; PORT_WORDS]);
    let ranges = args.port.as_ref().map(|ports| ports.0.clone()).unwrap_or_default();
    for port in ranges.iter().flat_map(|(first, last)| *first..=*last) {
        ports[usize::from(port >> 6)] |= 1 << (port & 63);
    }
    words.ports = (!ranges.is_empty()).into();
    words.prefixes = (!args.from.is_empty()).into();
    if args.from.len() > MAX_PREFIXES as usize {
        return Err(Failure::new(
            Exit::Usage,
            "too many prefixes",
            format!("--from was given {} times, and there is room for {MAX_PREFIXES}", args.from.len()),
            "join neighbouring prefixes into wider ones",
        ));
    }
    let causes = selected(&args.cause);
    words.no_listener = causes.contains(&Cause::NoListener).into();
    Ok(Filters {
        words: FilterWords {
            ports: ranges,
            family: u8::try_from(words.family).ok().filter(|family| *family != 0),
            from: args.from.iter().map(ToString::to_string).collect(),
            interface: args.interface.clone(),
            netns: args.netns.clone(),
            causes: if args.cause.is_empty() { Vec::new() } else { causes.clone() },
        },
        kernel: KernelFilter { words, ports, prefixes: args.from.iter().map(prefix).collect() },
        causes,
        netns,
    })
}

/// In the 128-bit form, where IPv4 lives below `::ffff:0:0/96`.
fn prefix(net: &IpNet) -> (u32, [u8; 16]) {
    match net.trunc().addr() {
        IpAddr::V4(v4) => (96 + u32::from(net.prefix_len()), v4.to_ipv6_mapped().octets()),
        IpAddr::V6(v6) => (u32::from(net.prefix_len()), v6.octets()),
    }
}

/// The hook set that was asked for.
pub fn wish(hooks: Hooks) -> Wish {
    match hooks {
        Hooks::Auto => Wish::Auto,
        Hooks::Fentry => Wish::Only(Set::Fentry),
        Hooks::Kprobe => Wish::Only(Set::Kprobe),
        Hooks::Tracepoint => Wish::Only(Set::Tracepoint),
    }
}

fn own_namespace(error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::Failure,
        "cannot tell which network namespace this is",
        words(error),
        "mount /proc, or name the namespace with --netns",
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
