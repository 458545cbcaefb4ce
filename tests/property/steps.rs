//! Random steps: few ids, keys and values, so that they meet.

use serde_json::{Value, json};

pub const IDS: [&str; 3] = ["a", "b", "c"];
pub const SCOPES: [&str; 4] = ["s", "s/f", "t", "t/g"];
pub const SESSIONS: [&str; 3] = ["s", "t", "u"];
pub const TYPES: [&str; 10] = [
    "note",
    "ring",
    "chime",
    "typed",
    "done",
    "fail",
    "process.cancelled",
    "process.cancel_requested",
    "process.step",
    "nonsense",
];
/// The last ones are not for every caller to take: they are the driver's, and that of a completion of `a`.
pub const KEYS: [&str; 5] = ["k", "l", "", "step:k", "process:a:terminal:process.cancelled"];

/// What one tab does.
#[derive(Clone, Debug)]
pub struct Step {
    /// Which of the two tabs.
    pub tab: usize,
    pub what: What,
}

#[derive(Clone, Debug)]
pub enum What {
    Register {
        id: &'static str,
        variant: usize,
    },
    Append {
        id: &'static str,
        event_type: &'static str,
        payload: Value,
        key: Option<&'static str>,
        target: Option<&'static str>,
        lease: Option<LeaseRef>,
    },
    Complete {
        id: &'static str,
        output: Value,
    },
    CompleteLeased {
        lease: LeaseRef,
        output: Value,
    },
    Cancel {
        id: &'static str,
        reason: Option<&'static str>,
    },
    Wait {
        id: &'static str,
        number: u64,
    },
    ClearWait {
        id: &'static str,
    },
    Refer {
        id: &'static str,
        number: u64,
    },
    Ack {
        id: &'static str,
        sequence: u64,
    },
    Grant {
        scope: &'static str,
        id: &'static str,
        label: u64,
    },
    Revoke {
        scope: &'static str,
        id: &'static str,
    },
    Transfer {
        from: &'static str,
        to: &'static str,
        ids: Vec<&'static str>,
    },
    DeleteSession {
        session: &'static str,
    },
    Claim {
        id: &'static str,
        owner: usize,
        ttl: u64,
    },
    Reclaim {
        lease: LeaseRef,
        owner: usize,
        ttl: u64,
    },
    Renew {
        lease: LeaseRef,
        ttl: u64,
    },
    Release {
        lease: LeaseRef,
    },
    Kill {
        owner: usize,
    },
    Prune {
        age: u64,
    },
    Advance {
        span: u64,
    },
    Follow {
        limit: u64,
    },
}

/// One of the leases that were acquired so far, perhaps tampered with.
#[derive(Clone, Copy, Debug)]
pub struct LeaseRef {
    pub index: usize,
    pub tampered: Option<Tampered>,
}

#[derive(Clone, Copy, Debug)]
pub enum Tampered {
    Fence,
    Token,
    LivenessLock,
}

/// What a step is made of.
pub type Dice = [u8; 7];

impl Step {
    /// The step that some dice mean. Lower numbers mean simpler steps, so that shrinking simplifies.
    pub fn from_dice(dice: Dice) -> Self {
        let [kind, tab, a, b, c, d, e] = dice;
        let lease = LeaseRef {
            index: usize::from(d),
            tampered: match e % 16 {
                13 => Some(Tampered::Fence),
                14 => Some(Tampered::Token),
                15 => Some(Tampered::LivenessLock),
                _ => None,
            },
        };
        let (id, owner, ttl) = (one(&IDS, a), usize::from(b) % OWNERS, u64::from(c % 4) * 50);
        let scope = one(&SCOPES, b);
        let what = match kind % 40 {
            0..=4 => What::Register { id, variant: usize::from(b % 3) },
            5..=16 => What::Append {
                id,
                event_type: one(&TYPES, b),
                payload: payload(c),
                key: (d % 5 > 1).then(|| one(&KEYS, d / 5)),
                target: (e % 3 == 2).then(|| one(&SCOPES, e / 3)),
                lease: (d % 7 == 6).then_some(lease),
            },
            17 | 18 => What::Complete { id, output: output(b) },
            19 | 20 => What::CompleteLeased { lease, output: output(b) },
            21 => What::Cancel { id, reason: (b % 3 > 0).then(|| one(&["enough", "late"], b)) },
            22 => What::Wait { id, number: u64::from(b % 3) },
            23 => What::ClearWait { id },
            24 => What::Refer { id, number: u64::from(b % 2) },
            25 => What::Ack { id, sequence: u64::from(b % 6) },
            26 | 27 => What::Grant { scope, id, label: u64::from(c % 3) },
            28 => What::Revoke { scope, id },
            29 => What::Transfer {
                from: scope,
                to: one(&SCOPES, c),
                ids: IDS.into_iter().enumerate().filter(|(place, _)| d >> place & 1 == 1).map(|(_, id)| id).collect(),
            },
            30 => What::DeleteSession { session: one(&SESSIONS, b) },
            31 | 32 => What::Claim { id, owner, ttl },
            33 => What::Reclaim { lease, owner, ttl },
            34 => What::Renew { lease, ttl },
            35 => What::Release { lease },
            36 => What::Kill { owner },
            37 => What::Prune { age: u64::from(b % 4) * 50 },
            38 => What::Advance { span: u64::from(b % 4) * 50 },
            _ => What::Follow { limit: u64::from(b % 4) },
        };
        Step { tab: usize::from(tab % 2), what }
    }
}

fn one<T: Copy>(of: &[T], number: u8) -> T {
    of[usize::from(number) % of.len()]
}

fn payload(number: u8) -> Value {
    match number % 6 {
        0 => Value::Null,
        1 => json!(1),
        2 => json!("x"),
        3 => json!({"why": "because"}),
        4 => json!(""),
        _ => json!({"awaitOutput": {"message": "m", "type": "cancelled"}}),
    }
}

fn output(number: u8) -> Value {
    match number % 4 {
        0 => json!({"type": "success", "value": 1}),
        1 => json!({"type": "success", "value": 2}),
        2 => json!({"type": "failure", "class": "execution", "code": "c", "message": "m"}),
        _ => json!({"type": "cancelled", "message": "m"}),
    }
}

/// How many owners of leases there are; the last one's death cannot be proven.
pub const OWNERS: usize = 3;

/// The registration of that variant.
pub fn registration(id: &str, variant: usize) -> Value {
    let mut registration = json!({
        "id": id,
        "input": {"type": "external"},
        "envRef": variant.to_string(),
        "eventTypes": [
            {"name": "note"},
            {"name": "ring", "semantics": {"wake": {
                "when": "payload", "input": "payload", "dedupeKey": {"const": "once"}
            }}},
            {"name": "chime", "semantics": {"wake": {"input": {"const": "hello"}}}},
            {"name": "typed", "payloadSchema": {"type": "number"}},
            {"name": "done", "semantics": {"terminal": {"state": "completed"}}},
            {"name": "fail", "semantics": {"terminal": {"state": "failed", "awaitOutput": {"pointer": "/why"}}}},
        ],
    });
    match variant {
        1 => registration["wakeTarget"] = json!({"sessionId": "s"}),
        2 => {
            registration["wakeTarget"] = json!({"sessionId": "t", "agentFrameId": "g"});
            registration["identity"] = json!({"kind": "k", "definition": {"v": 7}});
        }
        _ => {}
    }
    registration
}
