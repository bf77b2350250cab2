//! Connections that are over, and segments that are refused.

use std::{io, net::TcpStream};

use tracer_common::calibration::{CHUNK, call};

use super::{
    evidence::field,
    known::{addresses, in_bucket, rare, state},
    moment::Moment,
    reader::Called,
    round::{Bucket, HalfOpen, SMALL, SOCKET, Stage},
    scene::Client,
    search::{Pointing, Want, ticks},
    segment::flag,
};

impl Stage<'_> {
    /// A connection that the server closed, and the client did not.
    pub(super) fn fin_wait2(&mut self, (mut client, stream): (Client, TcpStream)) -> io::Result<()> {
        self.closed_by_server(&mut client, stream)?;
        let moment = Moment::now()?;
        let ack = client.later(flag::ACK);
        self.scene.send(&ack)?;
        let wants = in_bucket(&client, state::FIN_WAIT2, &moment)?;
        // It does not take a timestamp from a segment without data.
        let bucket = self.bucket(&mut client)?;
        let memory = self.reader.read(bucket, SMALL)?;
        self.round.add(memory, wants);
        Ok(())
    }

    /// A connection that the server closed first.
    pub(super) fn time_wait(&mut self, (mut client, stream): (Client, TcpStream)) -> io::Result<Bucket> {
        self.closed_by_server(&mut client, stream)?;
        let fin = client.later(flag::FIN | flag::ACK);
        client.next = client.next.wrapping_add(1);
        self.scene.send(&fin)?;
        let moment = Moment::now()?;
        let bucket = self.bucket(&mut client)?;
        let memory = self.reader.read(bucket, SMALL)?;
        let mut wants = in_bucket(&client, state::TIME_WAIT, &moment)?;
        wants.push((field!(tw_last_oow), Want::number(4, 0)));
        self.round.add(memory, wants);
        Ok((client, bucket))
    }

    fn closed_by_server(&mut self, client: &mut Client, stream: TcpStream) -> io::Result<()> {
        drop(stream);
        let fin = self.scene.answer(client, flag::FIN)?;
        (client.expected, client.echo) = (fin.seq.wrapping_add(1), fin.tsval);
        Ok(())
    }

    /// Where the bucket of this connection is: it is asked about an acknowledgement.
    fn bucket(&mut self, client: &mut Client) -> io::Result<u64> {
        self.reader.await_call(call::BUCKET, ports(client))?;
        let ack = client.later(flag::ACK);
        self.scene.send(&ack)?;
        let Called { args: [bucket, ..], memory } = self.called(call::BUCKET)?;
        if client.to.is_ipv4() {
            self.arrived(memory)?;
        }
        Ok(bucket)
    }

    /// A packet on its way in. Its route is to ourselves, and leads to the loopback device.
    fn arrived(&mut self, memory: Vec<u8>) -> io::Result<()> {
        let mut targets = Vec::new();
        for (at, address) in addresses(&memory) {
            // The lowest bit says that the route is not counted (`SKB_DST_NOREF`).
            targets.push((at, self.reader.read(address & !1, CHUNK)?));
        }
        let want = Want::Rare(self.round.loopback.to_ne_bytes().to_vec());
        self.round.arrived.push(Pointing { memory, targets, want });
        Ok(())
    }

    /// Segments with old timestamps: each socket notes when it answered, and what it remembers stays.
    pub(super) fn refused(
        &mut self,
        (half_open, request): &HalfOpen,
        (established, stream): &(Client, TcpStream),
        (closed, bucket): &Bucket,
    ) -> io::Result<Option<Want>> {
        let sock = self.reader.socket(stream)?;
        let mut before = Vec::new();
        let places = [(*request, SMALL), (*bucket, SMALL), (sock, SOCKET)];
        for (address, len) in places {
            before.push(self.reader.read(address, len)?);
        }
        for segment in [half_open.old_syn(), closed.old(flag::ACK), established.old(flag::ACK)] {
            self.scene.send(&segment)?;
        }
        let mut after = Vec::new();
        for (address, len) in places {
            after.push(self.reader.read(address, len)?);
        }
        let Some(ticks) = ticks([&before[0], &after[0]], [&before[1], &after[1]]) else { return Ok(None) };
        let want = Want::Number { bytes: 4, mask: u64::MAX, any_of: vec![ticks] };
        let fields = [field!(treq_last_oow), field!(tw_last_oow), field!(tp_last_oow)];
        let kept = [
            (field!(req_ts_recent), half_open.tsval),
            (field!(tw_ts_recent), closed.tsval),
            (field!(tp_ts_recent), established.tsval),
        ];
        for ((memory, field), (remembers, tsval)) in after.into_iter().zip(fields).zip(kept) {
            self.round.add(memory, vec![(field, want.clone()), (remembers, rare(tsval))]);
        }
        Ok(Some(want))
    }
}

/// Both ports of its segments, as they stand there.
fn ports(client: &Client) -> u64 {
    let [from, to] = [client.from.port().to_be_bytes(), client.to.port().to_be_bytes()];
    u32::from_ne_bytes([from[0], from[1], to[0], to[1]]).into()
}
