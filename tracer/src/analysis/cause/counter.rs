//! Which of the kernel's counters a drop moves: by its cause, what went back and the kernel's own reason.

use super::TSECR;
use crate::{
    analysis::kernel::Kernel,
    model::{Answer, Cause, Stage},
};

/// The counter that moves, where the kernel has it (kernel-facts: MIBs per cause and version).
pub(super) fn counter(
    cause: Cause,
    stage: Stage,
    answer: Option<Answer>,
    reason: Option<&str>,
    kernel: &Kernel,
) -> Option<&'static str> {
    let silent = answer == Some(Answer::None);
    let name = match cause {
        Cause::PawsRecycle => "TcpExtPAWSPassive",
        Cause::PawsTimeWait if kernel.counts("TcpExtPAWSTimewait") => "TcpExtPAWSTimewait",
        Cause::PawsFinWait2 if silent => "TcpExtTCPACKSkippedFinWait2",
        Cause::PawsEstablished if reason == Some("TCP_INVALID_SYN") => "TcpExtTCPSYNChallenge",
        Cause::PawsTimeWait | Cause::PawsSynRecv | Cause::PawsEstablished => "TcpExtPAWSEstab",
        Cause::SynOnEstablished => "TcpExtTCPSYNChallenge",
        Cause::OldSequence if silent && stage == Stage::FinWait2 => "TcpExtTCPACKSkippedFinWait2",
        Cause::OldSequence if silent => "TcpExtTCPACKSkippedTimeWait",
        Cause::Repeated => "TcpExtTCPACKSkippedSynRecv",
        Cause::OutOfWindow if silent => "TcpExtTCPACKSkippedSynRecv",
        Cause::AcceptQueueFull => "TcpExtListenOverflows",
        Cause::SynQueueFull => "TcpExtTCPReqQFullDrop",
        Cause::PeerNotProven | Cause::ListenOther => "TcpExtListenDrops",
        Cause::NoListener if answer == Some(Answer::Rst) => "TcpOutRsts",
        Cause::Other => match reason {
            Some("TCP_CSUM") => "TcpInCsumErrors",
            Some("TCP_MINTTL") => "TcpExtTCPMinTTLDrop",
            Some("TCP_MD5NOTFOUND") => "TcpExtTCPMD5NotFound",
            Some("TCP_MD5UNEXPECTED") => "TcpExtTCPMD5Unexpected",
            Some("TCP_MD5FAILURE") => "TcpExtTCPMD5Failure",
            Some(TSECR) => "TcpExtTSEcrRejected",
            Some("SOCKET_BACKLOG") => "TcpExtTCPBacklogDrop",
            None if answer == Some(Answer::Rst) && stage == Stage::SynRecv => "TcpExtEmbryonicRsts",
            None if answer == Some(Answer::Rst) => "TcpOutRsts",
            _ => return None,
        },
        Cause::PawsFinWait2 | Cause::OldSequence | Cause::OutOfWindow | Cause::NoListener => return None,
    };
    kernel.counts(name).then_some(name)
}
