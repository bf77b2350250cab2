//! `tracer demo`: makes an incident and traces it.

use super::{live::trace, note};
use crate::{
    cli::{DemoArgs, LiveArgs, Ports},
    error::{Exit, Failure},
    lab::{Lab, PORT},
};

/// Builds the laboratory, traces the server's namespace, and says what the clients have seen.
///
/// # Errors
/// When the laboratory cannot be built, or what [`trace`] says.
pub fn demo(args: &DemoArgs) -> Result<Exit, Failure> {
    let mut lab = Lab::build(args.scenario)?;
    note(&format!("demo: {}", lab.describe()));
    let mut live = LiveArgs::from(args);
    live.watch.select.port = Some(Ports(vec![(PORT, PORT)]));
    let exit = trace(&live, Some(lab.server()), &mut || lab.start())?;
    let heard = lab.heard();
    let ms = |time: std::time::Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
    note(&format!(
        "demo: the clients got {} connections (connect took {} at the median, {} at the longest) and gave up {} \
         after 5 s",
        heard.connected,
        ms(heard.median),
        ms(heard.longest),
        heard.gave_up,
    ));
    Ok(exit)
}
