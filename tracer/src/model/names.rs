//! The contract's words for what happened to a SYN, and how a word is read. A name stands in NDJSON and on the command
//! line, so none of them changes.

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every value, in the order of the contract.
            pub const ALL: [Self; [$($text),*].len()] = [$(Self::$variant),*];

            /// The name in the NDJSON contract and on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.pad(self.name()) }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::model::UnknownName;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.into_iter().find(|v| v.name() == text).ok_or($crate::model::UnknownName)
            }
        }
    };
}
pub(crate) use named;

/// A word that is none of the contract's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown name")]
pub struct UnknownName;

named! {
    /// Which kind of socket held the tuple when the SYN died.
    Stage {
        /// A listening socket (`tcp_conn_request`).
        Listen = "listen",
        /// A TIME_WAIT bucket.
        TimeWait = "time-wait",
        /// A FIN_WAIT2 bucket.
        FinWait2 = "fin-wait2",
        /// A request socket.
        SynRecv = "syn-recv",
        /// Any other full socket.
        Established = "established",
        /// No socket, or none that the hook could see.
        None = "none",
    }
}

named! {
    /// Why a SYN got no SYN/ACK.
    Cause {
        /// `tcp_tw_recycle`: older than the per-address timestamp cache (before 4.12).
        PawsRecycle = "paws-recycle",
        /// Older than the TIME_WAIT bucket's `tw_ts_recent`.
        PawsTimeWait = "paws-time-wait",
        /// The same on a FIN_WAIT2 bucket.
        PawsFinWait2 = "paws-fin-wait2",
        /// Older than the request socket's `ts_recent`.
        PawsSynRecv = "paws-syn-recv",
        /// An older TSval on a connection that the kernel holds open.
        PawsEstablished = "paws-established",
        /// Neither a newer TSval nor a newer sequence number: the old bucket keeps the tuple.
        OldSequence = "old-sequence",
        /// Outside the request socket's window.
        OutOfWindow = "out-of-window",
        /// The same SYN again, too soon after the last SYN/ACK.
        Repeated = "repeated",
        /// A SYN on an open connection, timestamps not to blame.
        SynOnEstablished = "syn-on-established",
        /// The accept queue is full.
        AcceptQueueFull = "accept-queue-full",
        /// The SYN queue is full and no cookie was sent.
        SynQueueFull = "syn-queue-full",
        /// The last quarter of the SYN backlog is kept for known peers.
        PeerNotProven = "peer-not-proven",
        /// Refused in `tcp_conn_request` for none of the reasons above.
        ListenOther = "listen-other",
        /// Nothing listens there.
        NoListener = "no-listener",
        /// Any other reason of the kernel's.
        Other = "other",
    }
}

impl Cause {
    /// Whether the timestamp test of RFC 7323 section 5.3 (PAWS) refused the SYN.
    pub const fn is_paws(self) -> bool {
        matches!(
            self,
            Self::PawsRecycle
                | Self::PawsTimeWait
                | Self::PawsFinWait2
                | Self::PawsSynRecv
                | Self::PawsEstablished
        )
    }

    /// Whether the kernel compared the SYN with what a connection left, or with one that is open: somebody at that address
    /// ended a handshake, so the address is no invention.
    pub const fn needs_connection(self) -> bool {
        matches!(
            self,
            Self::PawsRecycle
                | Self::PawsTimeWait
                | Self::PawsFinWait2
                | Self::PawsEstablished
                | Self::OldSequence
                | Self::SynOnEstablished
        )
    }
}

named! {
    /// What went back to the client.
    Answer {
        /// Nothing.
        None = "none",
        /// A bare ACK (to the old connection's numbers) or a challenge ACK.
        Ack = "ack",
        /// A reset.
        Rst = "rst",
    }
}

named! {
    /// Who says that a SYN was dropped, and why.
    Evidence {
        /// The kernel that dropped it: the cause is a fact.
        Kernel = "kernel",
        /// Packets alone: no SYN/ACK was seen, and the cause is what they are consistent with; `other` where they are
        /// consistent with nothing in particular.
        Wire = "wire",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_contract() {
        let names: Vec<_> = Cause::ALL.iter().map(|c| c.name()).collect();
        assert_eq!(names.len(), 15);
        for cause in Cause::ALL {
            assert_eq!(cause.name().parse(), Ok(cause));
        }
        assert_eq!("paws".parse::<Cause>(), Err(UnknownName));
        assert_eq!(Cause::ALL.iter().filter(|c| c.is_paws()).count(), 5);
    }
}
