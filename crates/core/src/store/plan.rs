//! An operation as a store runs it: a rule, and the rows that the rule needs to see.

use std::{any::Any, marker::PhantomData, rc::Rc};

use super::Reads;
use crate::{
    error::Result,
    rules::snapshot::{Decision, Snapshot},
};

/// A rule with its arguments, and the rows it needs to see.
pub struct Operation<T> {
    plan: Plan,
    reply: PhantomData<T>,
}

/// An operation of which only its execution knows what type its reply has: the code that runs one is
/// compiled once, instead of once for each type.
pub struct Plan {
    /// The rows that the rule needs to see.
    pub reads: Reads,
    pub(super) rule: AnyRule,
}

/// Pure: it may run several times, on fresher rows.
pub(crate) type AnyRule = Rc<dyn Fn(&Snapshot) -> Result<Decision<Box<dyn Reply>>>>;

/// What an operation answers.
pub trait Reply {
    /// Itself, to be asked for its type.
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

impl<T: 'static> Reply for T {
    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl<T: Reply + 'static> Operation<T> {
    pub(crate) fn new(reads: Reads, rule: impl Fn(&Snapshot) -> Result<Decision<T>> + 'static) -> Self {
        let rule: AnyRule = Rc::new(move |seen| boxed(rule(seen)));
        Self { plan: Plan { reads, rule }, reply: PhantomData }
    }

    /// Several as one: all or nothing. Each sees what those before it wrote. An error says by `path` which of them it is of.
    pub(crate) fn all(path: &'static str, operations: Vec<Self>) -> Operation<Vec<T>> {
        let (reads, rules): (Vec<_>, Vec<_>) =
            operations.into_iter().map(|operation| (operation.plan.reads, operation.plan.rule)).unzip();
        Operation::new(Reads::Several(reads), move |seen| {
            let mut rows = seen.rows.clone();
            let mut decided = Decision::reply(Vec::new());
            for (place, rule) in rules.iter().enumerate() {
                let snapshot = Snapshot { now: seen.now, rows: &rows };
                let Decision { reply, writes } =
                    rule(&snapshot).map_err(|fault| fault.at(&format!("{path}[{place}]")))?;
                writes.iter().for_each(|write| rows.apply(write));
                decided.writes.extend(writes);
                decided.reply.extend(reply.into_any().downcast::<T>().map(|reply| *reply));
            }
            Ok(decided)
        })
    }

    /// The same, with a reply of any type.
    pub fn plan(self) -> Plan {
        self.plan
    }
}

/// Of its own, so that it is compiled for each type of reply, and not for each rule.
#[inline(never)]
fn boxed<T: Reply + 'static>(decided: Result<Decision<T>>) -> Result<Decision<Box<dyn Reply>>> {
    let Decision { reply, writes } = decided?;
    Ok(Decision { reply: Box::new(reply), writes })
}
