//! Questions to the kernel over netlink, in the network namespace in which the socket was made. None waits for an answer: it is
//! there when the question has been taken.

use std::io;

use neli::{
    consts::socket::{Msg, NlFamily},
    socket::NlSocket,
    utils::Groups,
};

use crate::decode::netlink::Unread;

/// Bytes of an answer at most; the longest is that of a family, with all it can do.
const ANSWER: usize = 16 * 1024;
/// Answers that may lie there from a question before.
const STALE: usize = 8;

/// A socket.
pub(crate) struct Netlink {
    socket: NlSocket,
    sequence: u32,
}

impl Netlink {
    /// In the calling thread's namespace.
    ///
    /// # Errors
    /// When there are no such sockets.
    pub(crate) fn open(family: NlFamily) -> io::Result<Self> {
        let socket = NlSocket::connect(family, None, Groups::empty())?;
        socket.nonblock()?;
        Ok(Self { socket, sequence: 0 })
    }

    /// Asks, and reads the answer; both are told the number of the question.
    ///
    /// # Errors
    /// When the kernel refuses the question, or does not answer it.
    pub(crate) fn ask<T>(
        &mut self,
        question: impl FnOnce(u32) -> Option<Vec<u8>>,
        read: impl Fn(&[u8], u32) -> Result<T, Unread>,
    ) -> io::Result<T> {
        self.sequence = self.sequence.wrapping_add(1);
        let question = question(self.sequence).ok_or(io::ErrorKind::InvalidInput)?;
        self.socket.send(question, Msg::empty())?;
        let mut answer = vec![0; ANSWER];
        for _ in 0..STALE {
            let (len, _) = self.socket.recv(&mut answer, Msg::empty())?;
            match read(&answer[..len.min(ANSWER)], self.sequence) {
                Ok(told) => return Ok(told),
                Err(Unread::Other) => {}
                Err(Unread::Refused(errno)) => return Err(io::Error::from_raw_os_error(errno)),
                Err(Unread::Malformed) => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }
}
