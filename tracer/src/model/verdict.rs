//! The verdict on a whole incident: its cause, how sure that is, what speaks for and against it, what ends it.

/// A verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Name of the rule that spoke: a cause of the contract, or a finding that has no single one.
    pub cause: String,
    /// How sure the surest part of it is, 0 to 1; less evidence never raises it.
    pub confidence: f64,
    /// One or two sentences for a tired engineer.
    pub text: String,
    /// What speaks for it, a sentence each.
    pub speaks_for: Vec<String>,
    /// What speaks against it, or is not known.
    pub speaks_against: Vec<String>,
    /// What to do, the best first.
    pub remedy: Vec<Remedy>,
}

/// One way to end it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// A command to type or a sentence that says what to change.
    pub action: String,
    /// What it costs or risks; empty where it costs nothing.
    pub price: String,
}
