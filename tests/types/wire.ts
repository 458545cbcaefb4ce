// Written by tests/wire.rs from the Rust types. Compiling this file is the test.
import type { ProcessErrorCode } from "../../js/errors.js";
import type {
  AppendRequest, AppendResult, FailureClass, HandleDescriptor, HandleEntry, HandleGrant, LeaseClaim, LeaseOwner,
  ListFilter, Page, ProcessAwaitOutput, ProcessEvent, ProcessEventType, ProcessExternalRef, ProcessIdentity,
  ProcessInput, ProcessLease, ProcessProvenance, ProcessRecord, ProcessRegistration, ProcessRegistry, ProcessStatus,
  Selector, SessionDeleteReport, SessionScope, TerminalState, WaitState, WakeDelivery,
} from "../../js/types.js";

type Meaning = NonNullable<ProcessEventType["semantics"]>;
type Terminal = NonNullable<Meaning["terminal"]>;
type Wake = NonNullable<Meaning["wake"]>;
type Changes = Awaited<ReturnType<ProcessRegistry["changedSince"]>>;
type Pruned = Awaited<ReturnType<ProcessRegistry["pruneTerminalProcesses"]>>;
type EventBatch = { events: ProcessEvent[]; done: boolean };

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
/** The fields that a type knows, without those that are never there. */
type Known<T> = keyof { [K in keyof T as [Exclude<T[K], undefined>] extends [never] ? never : K]: 0 };
/** `true` where a value has every field that its type knows. */
type HasAll<T, Value> = Same<Known<T>, keyof Value>;

export const wire1 = {
  "metadata": {
    "any": [
      1,
      null,
      "x",
      true
    ]
  },
  "type": "external"
} satisfies Extract<ProcessInput, { type: "external" }>;
true satisfies HasAll<Extract<ProcessInput, { type: "external" }>, typeof wire1>;
export const wire2 = {
  "kind": "t",
  "payload": {
    "any": [
      1,
      null,
      "x",
      true
    ]
  },
  "type": "engine"
} satisfies Extract<ProcessInput, { type: "engine" }>;
true satisfies HasAll<Extract<ProcessInput, { type: "engine" }>, typeof wire2>;
export const wire3 = {
  "call": {
    "args": {
      "any": [
        1,
        null,
        "x",
        true
      ]
    },
    "callId": "t",
    "toolId": "t",
    "toolName": "t"
  },
  "type": "tool_call"
} satisfies Extract<ProcessInput, { type: "tool_call" }>;
true satisfies HasAll<Extract<ProcessInput, { type: "tool_call" }>, typeof wire3>;
export const wire4 = {
  "createRequest": {
    "field": {
      "any": [
        1,
        null,
        "x",
        true
      ]
    }
  },
  "turnInput": {
    "any": [
      1,
      null,
      "x",
      true
    ]
  },
  "type": "session_turn"
} satisfies Extract<ProcessInput, { type: "session_turn" }>;
true satisfies HasAll<Extract<ProcessInput, { type: "session_turn" }>, typeof wire4>;
export const wire5 = {
  "causedBy": {
    "any": [
      1,
      null,
      "x",
      true
    ]
  },
  "originator": {
    "type": "host"
  }
} satisfies ProcessProvenance;
true satisfies HasAll<ProcessProvenance, typeof wire5>;
export const wire6 = {
  "causedBy": {
    "any": [
      1,
      null,
      "x",
      true
    ]
  },
  "originator": {
    "scope": {
      "agentFrameId": "t",
      "sessionId": "t"
    },
    "type": "session"
  }
} satisfies ProcessProvenance;
true satisfies HasAll<ProcessProvenance, typeof wire6>;
export const wire7 = {
  "backend": "t",
  "id": "t",
  "metadata": {
    "any": [
      1,
      null,
      "x",
      true
    ]
  }
} satisfies ProcessExternalRef;
true satisfies HasAll<ProcessExternalRef, typeof wire7>;
export const wire8 = {
  "type": "external"
} satisfies Extract<ProcessInput, { type: "external" }>;
export const wire9 = {
  "kind": "t",
  "type": "engine"
} satisfies Extract<ProcessInput, { type: "engine" }>;
export const wire10 = {
  "call": {
    "callId": "t",
    "toolName": "t"
  },
  "type": "tool_call"
} satisfies Extract<ProcessInput, { type: "tool_call" }>;
export const wire11 = {
  "createRequest": {
    "field": {
      "any": [
        1,
        null,
        "x",
        true
      ]
    }
  },
  "turnInput": {
    "any": [
      1,
      null,
      "x",
      true
    ]
  },
  "type": "session_turn"
} satisfies Extract<ProcessInput, { type: "session_turn" }>;
export const wire12 = {
  "originator": {
    "type": "host"
  }
} satisfies ProcessProvenance;
export const wire13 = {
  "originator": {
    "scope": {
      "sessionId": "t"
    },
    "type": "session"
  }
} satisfies ProcessProvenance;
export const wire14 = {
  "backend": "t",
  "id": "t"
} satisfies ProcessExternalRef;
export const wire15 = {
  "definition": {
    "any": [
      1,
      null,
      "x",
      true
    ]
  },
  "kind": "k",
  "label": "l"
} satisfies ProcessIdentity;
true satisfies HasAll<ProcessIdentity, typeof wire15>;
export const wire16 = {
  "kind": "k"
} satisfies ProcessIdentity;
export const wire17 = {
  "envRef": "e",
  "eventTypes": [
    {
      "name": "n",
      "payloadSchema": {
        "any": [
          1,
          null,
          "x",
          true
        ]
      },
      "semantics": {
        "terminal": {
          "awaitOutput": {
            "pointer": "/a"
          },
          "state": "failed"
        },
        "wake": {
          "dedupeKey": "event_identity",
          "input": "payload"
        }
      }
    }
  ],
  "id": "p",
  "identity": {
    "definition": {
      "any": [
        1,
        null,
        "x",
        true
      ]
    },
    "kind": "k",
    "label": "l"
  },
  "input": {
    "createRequest": {
      "field": {
        "any": [
          1,
          null,
          "x",
          true
        ]
      }
    },
    "turnInput": {
      "any": [
        1,
        null,
        "x",
        true
      ]
    },
    "type": "session_turn"
  },
  "provenance": {
    "causedBy": {
      "any": [
        1,
        null,
        "x",
        true
      ]
    },
    "originator": {
      "scope": {
        "agentFrameId": "t",
        "sessionId": "t"
      },
      "type": "session"
    }
  },
  "recovery": "abandon",
  "wakeTarget": {
    "agentFrameId": "f",
    "sessionId": "s"
  }
} satisfies ProcessRegistration;
true satisfies HasAll<ProcessRegistration, typeof wire17>;
export const wire18 = {
  "eventTypes": [],
  "id": "p",
  "input": {
    "createRequest": {
      "field": {
        "any": [
          1,
          null,
          "x",
          true
        ]
      }
    },
    "turnInput": {
      "any": [
        1,
        null,
        "x",
        true
      ]
    },
    "type": "session_turn"
  }
} satisfies ProcessRegistration;
export const wire19 = "rerun" satisfies NonNullable<ProcessRegistration["recovery"]>;
export const wire20 = "abandon" satisfies NonNullable<ProcessRegistration["recovery"]>;
export const wire21 = {
  "eventType": "t",
  "key": "t",
  "kind": "signal",
  "name": "t",
  "names": [
    "t"
  ],
  "ordinal": 1,
  "sinceMs": 1
} satisfies WaitState;
true satisfies HasAll<WaitState, typeof wire21>;
export const wire22 = {
  "createdAtMs": 1,
  "envRef": "e",
  "eventTypes": [
    {
      "name": "n",
      "payloadSchema": {
        "any": [
          1,
          null,
          "x",
          true
        ]
      },
      "semantics": {
        "terminal": {
          "awaitOutput": {
            "pointer": "/a"
          },
          "state": "failed"
        },
        "wake": {
          "dedupeKey": "event_identity",
          "input": "payload"
        }
      }
    }
  ],
  "externalRef": {
    "backend": "t",
    "id": "t",
    "metadata": {
      "any": [
        1,
        null,
        "x",
        true
      ]
    }
  },
  "id": "p",
  "identity": {
    "definition": {
      "any": [
        1,
        null,
        "x",
        true
      ]
    },
    "kind": "k",
    "label": "l"
  },
  "input": {
    "createRequest": {
      "field": {
        "any": [
          1,
          null,
          "x",
          true
        ]
      }
    },
    "turnInput": {
      "any": [
        1,
        null,
        "x",
        true
      ]
    },
    "type": "session_turn"
  },
  "provenance": {
    "originator": {
      "scope": {
        "sessionId": "t"
      },
      "type": "session"
    }
  },
  "recovery": "abandon",
  "registrationHash": "0f",
  "status": {
    "awaitOutput": {
      "type": "success",
      "value": null
    },
    "state": "completed"
  },
  "updatedAtMs": 2,
  "wait": {
    "eventType": "t",
    "key": "t",
    "kind": "signal",
    "name": "t",
    "names": [
      "t"
    ],
    "ordinal": 1,
    "sinceMs": 1
  },
  "wakeTarget": {
    "agentFrameId": "f",
    "sessionId": "s"
  }
} satisfies ProcessRecord;
true satisfies HasAll<ProcessRecord, typeof wire22>;
export const wire23 = {
  "createdAtMs": 1,
  "eventTypes": [],
  "id": "p",
  "identity": {
    "kind": "k"
  },
  "input": {
    "createRequest": {
      "field": {
        "any": [
          1,
          null,
          "x",
          true
        ]
      }
    },
    "turnInput": {
      "any": [
        1,
        null,
        "x",
        true
      ]
    },
    "type": "session_turn"
  },
  "provenance": {
    "originator": {
      "scope": {
        "sessionId": "t"
      },
      "type": "session"
    }
  },
  "registrationHash": "0f",
  "status": {
    "state": "running"
  },
  "updatedAtMs": 2
} satisfies ProcessRecord;
export const wire24 = "payload" satisfies Selector;
export const wire25 = {
  "pointer": "/a"
} satisfies Selector;
export const wire26 = {
  "const": {
    "any": [
      1,
      null,
      "x",
      true
    ]
  }
} satisfies Selector;
export const wire27 = {
  "fields": {
    "a": "payload"
  },
  "template": "{a}"
} satisfies Selector;
export const wire28 = {
  "present": "/a"
} satisfies Selector;
export const wire29 = "event_identity" satisfies NonNullable<Wake["dedupeKey"]>;
export const wire30 = {
  "selector": {
    "pointer": "/a"
  }
} satisfies NonNullable<Wake["dedupeKey"]>;
export const wire31 = {
  "const": "c"
} satisfies NonNullable<Wake["dedupeKey"]>;
export const wire32 = {
  "dedupeKey": {
    "const": "c"
  },
  "input": "payload",
  "when": {
    "pointer": "/a"
  }
} satisfies Wake;
true satisfies HasAll<Wake, typeof wire32>;
export const wire33 = {
  "dedupeKey": "event_identity",
  "input": "payload"
} satisfies Wake;
export const wire34 = "completed" satisfies TerminalState;
export const wire35 = {
  "awaitOutput": {
    "pointer": "/a"
  },
  "state": "completed"
} satisfies Terminal;
true satisfies HasAll<Terminal, typeof wire35>;
export const wire36 = {
  "state": "completed"
} satisfies Terminal;
export const wire37 = "failed" satisfies TerminalState;
export const wire38 = {
  "awaitOutput": {
    "pointer": "/a"
  },
  "state": "failed"
} satisfies Terminal;
true satisfies HasAll<Terminal, typeof wire38>;
export const wire39 = {
  "state": "failed"
} satisfies Terminal;
export const wire40 = "cancelled" satisfies TerminalState;
export const wire41 = {
  "awaitOutput": {
    "pointer": "/a"
  },
  "state": "cancelled"
} satisfies Terminal;
true satisfies HasAll<Terminal, typeof wire41>;
export const wire42 = {
  "state": "cancelled"
} satisfies Terminal;
export const wire43 = {
  "terminal": {
    "awaitOutput": {
      "pointer": "/a"
    },
    "state": "failed"
  },
  "wake": {
    "dedupeKey": "event_identity",
    "input": "payload"
  }
} satisfies Meaning;
true satisfies HasAll<Meaning, typeof wire43>;
export const wire44 = {} satisfies Meaning;
export const wire45 = {
  "name": "n",
  "payloadSchema": {
    "any": [
      1,
      null,
      "x",
      true
    ]
  },
  "semantics": {
    "terminal": {
      "awaitOutput": {
        "pointer": "/a"
      },
      "state": "failed"
    },
    "wake": {
      "dedupeKey": "event_identity",
      "input": "payload"
    }
  }
} satisfies ProcessEventType;
true satisfies HasAll<ProcessEventType, typeof wire45>;
export const wire46 = {
  "name": "n"
} satisfies ProcessEventType;
export const wire47 = "invalid_request" satisfies FailureClass;
export const wire48 = "unavailable" satisfies FailureClass;
export const wire49 = "permission_denied" satisfies FailureClass;
export const wire50 = "timeout" satisfies FailureClass;
export const wire51 = "execution" satisfies FailureClass;
export const wire52 = "external" satisfies FailureClass;
export const wire53 = "resource_limit" satisfies FailureClass;
export const wire54 = "internal" satisfies FailureClass;
export const wire55 = {
  "control": {
    "any": [
      1,
      null,
      "x",
      true
    ]
  },
  "type": "success",
  "value": {
    "any": [
      1,
      null,
      "x",
      true
    ]
  }
} satisfies Extract<ProcessAwaitOutput, { type: "success" }>;
true satisfies HasAll<Extract<ProcessAwaitOutput, { type: "success" }>, typeof wire55>;
export const wire56 = {
  "awaitOutput": {
    "control": {
      "any": [
        1,
        null,
        "x",
        true
      ]
    },
    "type": "success",
    "value": {
      "any": [
        1,
        null,
        "x",
        true
      ]
    }
  },
  "state": "completed"
} satisfies Extract<ProcessStatus, { awaitOutput: unknown }>;
true satisfies HasAll<Extract<ProcessStatus, { awaitOutput: unknown }>, typeof wire56>;
export const wire57 = {
  "class": "execution",
  "code": "c",
  "control": {
    "any": [
      1,
      null,
      "x",
      true
    ]
  },
  "message": "m",
  "raw": {
    "any": [
      1,
      null,
      "x",
      true
    ]
  },
  "type": "failure"
} satisfies Extract<ProcessAwaitOutput, { type: "failure" }>;
true satisfies HasAll<Extract<ProcessAwaitOutput, { type: "failure" }>, typeof wire57>;
export const wire58 = {
  "awaitOutput": {
    "class": "execution",
    "code": "c",
    "control": {
      "any": [
        1,
        null,
        "x",
        true
      ]
    },
    "message": "m",
    "raw": {
      "any": [
        1,
        null,
        "x",
        true
      ]
    },
    "type": "failure"
  },
  "state": "failed"
} satisfies Extract<ProcessStatus, { awaitOutput: unknown }>;
true satisfies HasAll<Extract<ProcessStatus, { awaitOutput: unknown }>, typeof wire58>;
export const wire59 = {
  "control": {
    "any": [
      1,
      null,
      "x",
      true
    ]
  },
  "message": "m",
  "raw": {
    "any": [
      1,
      null,
      "x",
      true
    ]
  },
  "type": "cancelled"
} satisfies Extract<ProcessAwaitOutput, { type: "cancelled" }>;
true satisfies HasAll<Extract<ProcessAwaitOutput, { type: "cancelled" }>, typeof wire59>;
export const wire60 = {
  "awaitOutput": {
    "control": {
      "any": [
        1,
        null,
        "x",
        true
      ]
    },
    "message": "m",
    "raw": {
      "any": [
        1,
        null,
        "x",
        true
      ]
    },
    "type": "cancelled"
  },
  "state": "cancelled"
} satisfies Extract<ProcessStatus, { awaitOutput: unknown }>;
true satisfies HasAll<Extract<ProcessStatus, { awaitOutput: unknown }>, typeof wire60>;
export const wire61 = {
  "type": "success",
  "value": {
    "any": [
      1,
      null,
      "x",
      true
    ]
  }
} satisfies Extract<ProcessAwaitOutput, { type: "success" }>;
export const wire62 = {
  "awaitOutput": {
    "type": "success",
    "value": {
      "any": [
        1,
        null,
        "x",
        true
      ]
    }
  },
  "state": "completed"
} satisfies Extract<ProcessStatus, { awaitOutput: unknown }>;
true satisfies HasAll<Extract<ProcessStatus, { awaitOutput: unknown }>, typeof wire62>;
export const wire63 = {
  "class": "execution",
  "code": "c",
  "message": "m",
  "type": "failure"
} satisfies Extract<ProcessAwaitOutput, { type: "failure" }>;
export const wire64 = {
  "awaitOutput": {
    "class": "execution",
    "code": "c",
    "message": "m",
    "type": "failure"
  },
  "state": "failed"
} satisfies Extract<ProcessStatus, { awaitOutput: unknown }>;
true satisfies HasAll<Extract<ProcessStatus, { awaitOutput: unknown }>, typeof wire64>;
export const wire65 = {
  "message": "m",
  "type": "cancelled"
} satisfies Extract<ProcessAwaitOutput, { type: "cancelled" }>;
export const wire66 = {
  "awaitOutput": {
    "message": "m",
    "type": "cancelled"
  },
  "state": "cancelled"
} satisfies Extract<ProcessStatus, { awaitOutput: unknown }>;
true satisfies HasAll<Extract<ProcessStatus, { awaitOutput: unknown }>, typeof wire66>;
export const wire67 = {
  "state": "running"
} satisfies Extract<ProcessStatus, { state: "running" }>;
true satisfies HasAll<Extract<ProcessStatus, { state: "running" }>, typeof wire67>;
export const wire68 = {
  "eventType": "n",
  "occurredAtMs": 3,
  "payload": {
    "any": [
      1,
      null,
      "x",
      true
    ]
  },
  "processId": "p",
  "replayKey": "k",
  "semantics": {
    "terminal": {
      "awaitOutput": {
        "type": "success",
        "value": {
          "any": [
            1,
            null,
            "x",
            true
          ]
        }
      },
      "state": "completed"
    },
    "wake": {
      "dedupeKey": "d",
      "input": "i"
    }
  },
  "sequence": 1
} satisfies ProcessEvent;
true satisfies HasAll<ProcessEvent, typeof wire68>;
export const wire69 = {
  "eventType": "n",
  "occurredAtMs": 3,
  "payload": {
    "any": [
      1,
      null,
      "x",
      true
    ]
  },
  "processId": "p",
  "semantics": {},
  "sequence": 1
} satisfies ProcessEvent;
export const wire70 = {
  "terminal": {
    "awaitOutput": {
      "type": "success",
      "value": {
        "any": [
          1,
          null,
          "x",
          true
        ]
      }
    },
    "state": "completed"
  },
  "wake": {
    "dedupeKey": "d",
    "input": "i"
  }
} satisfies ProcessEvent["semantics"];
true satisfies HasAll<ProcessEvent["semantics"], typeof wire70>;
export const wire71 = {
  "eventType": "n",
  "lease": {
    "claimedAtMs": 2,
    "expiresAtMs": 3,
    "fencingToken": 1,
    "leaseToken": "t",
    "owner": {
      "incarnationId": "1",
      "ownerId": "o"
    },
    "processId": "p"
  },
  "payload": null,
  "replayKey": "k",
  "wakeTargetScope": {
    "sessionId": "s"
  }
} satisfies AppendRequest;
true satisfies HasAll<AppendRequest, typeof wire71>;
export const wire72 = {
  "eventType": "n"
} satisfies AppendRequest;
export const wire73 = {
  "event": {
    "eventType": "n",
    "occurredAtMs": 3,
    "payload": {
      "any": [
        1,
        null,
        "x",
        true
      ]
    },
    "processId": "p",
    "replayKey": "k",
    "semantics": {
      "terminal": {
        "awaitOutput": {
          "type": "success",
          "value": {
            "any": [
              1,
              null,
              "x",
              true
            ]
          }
        },
        "state": "completed"
      },
      "wake": {
        "dedupeKey": "d",
        "input": "i"
      }
    },
    "sequence": 1
  },
  "replayed": true,
  "wakeDelivery": {
    "createdAtMs": 3,
    "dedupeKey": "d",
    "eventType": "n",
    "input": "i",
    "processCausedBy": {
      "any": [
        1,
        null,
        "x",
        true
      ]
    },
    "processId": "p",
    "sequence": 1,
    "targetScopeId": "session:s",
    "targetSessionId": "s",
    "wakeId": "wake:0f"
  }
} satisfies AppendResult;
true satisfies HasAll<AppendResult, typeof wire73>;
export const wire74 = {
  "event": {
    "eventType": "n",
    "occurredAtMs": 3,
    "payload": {
      "any": [
        1,
        null,
        "x",
        true
      ]
    },
    "processId": "p",
    "semantics": {},
    "sequence": 1
  },
  "replayed": false
} satisfies AppendResult;
export const wire75 = {
  "createdAtMs": 3,
  "dedupeKey": "d",
  "eventType": "n",
  "input": "i",
  "processCausedBy": {
    "any": [
      1,
      null,
      "x",
      true
    ]
  },
  "processId": "p",
  "sequence": 1,
  "targetScopeId": "session:s",
  "targetSessionId": "s",
  "wakeId": "wake:0f"
} satisfies WakeDelivery;
true satisfies HasAll<WakeDelivery, typeof wire75>;
export const wire76 = {
  "createdAtMs": 3,
  "dedupeKey": "d",
  "eventType": "n",
  "input": "i",
  "processId": "p",
  "sequence": 1,
  "targetScopeId": "session:s",
  "targetSessionId": "s",
  "wakeId": "wake:0f"
} satisfies WakeDelivery;
export const wire77 = {
  "done": true,
  "events": [
    {
      "eventType": "n",
      "occurredAtMs": 3,
      "payload": {
        "any": [
          1,
          null,
          "x",
          true
        ]
      },
      "processId": "p",
      "semantics": {},
      "sequence": 1
    }
  ]
} satisfies EventBatch;
true satisfies HasAll<EventBatch, typeof wire77>;
export const wire78 = {
  "agentFrameId": "f",
  "sessionId": "s"
} satisfies SessionScope;
true satisfies HasAll<SessionScope, typeof wire78>;
export const wire79 = {
  "sessionId": "s"
} satisfies SessionScope;
export const wire80 = {
  "kind": "t",
  "label": "t"
} satisfies HandleDescriptor;
true satisfies HasAll<HandleDescriptor, typeof wire80>;
export const wire81 = {} satisfies HandleDescriptor;
export const wire82 = {
  "descriptor": {},
  "processId": "p",
  "scopeId": "session:s",
  "sessionId": "s"
} satisfies HandleGrant;
true satisfies HasAll<HandleGrant, typeof wire82>;
export const wire83 = {
  "grant": {
    "descriptor": {},
    "processId": "p",
    "scopeId": "session:s",
    "sessionId": "s"
  },
  "record": {
    "createdAtMs": 1,
    "eventTypes": [],
    "id": "p",
    "identity": {
      "kind": "k"
    },
    "input": {
      "createRequest": {
        "field": {
          "any": [
            1,
            null,
            "x",
            true
          ]
        }
      },
      "turnInput": {
        "any": [
          1,
          null,
          "x",
          true
        ]
      },
      "type": "session_turn"
    },
    "provenance": {
      "originator": {
        "scope": {
          "sessionId": "t"
        },
        "type": "session"
      }
    },
    "registrationHash": "0f",
    "status": {
      "state": "running"
    },
    "updatedAtMs": 2
  }
} satisfies HandleEntry;
true satisfies HasAll<HandleEntry, typeof wire83>;
export const wire84 = {
  "deletedWakeCount": 0,
  "orphanedProcessIds": [
    "a"
  ],
  "preservedProcessIds": [],
  "revokedHandleCount": 2,
  "sessionId": "s"
} satisfies SessionDeleteReport;
true satisfies HasAll<SessionDeleteReport, typeof wire84>;
export const wire85 = {
  "kind": "opaque"
} satisfies NonNullable<LeaseOwner["liveness"]>;
export const wire86 = {
  "incarnationId": "1",
  "liveness": {
    "kind": "opaque"
  },
  "ownerId": "o"
} satisfies LeaseOwner;
true satisfies HasAll<LeaseOwner, typeof wire86>;
export const wire87 = {
  "kind": "web_lock",
  "lockName": "l"
} satisfies NonNullable<LeaseOwner["liveness"]>;
export const wire88 = {
  "incarnationId": "1",
  "liveness": {
    "kind": "web_lock",
    "lockName": "l"
  },
  "ownerId": "o"
} satisfies LeaseOwner;
true satisfies HasAll<LeaseOwner, typeof wire88>;
export const wire89 = {
  "incarnationId": "1",
  "ownerId": "o"
} satisfies LeaseOwner;
export const wire90 = {
  "claimedAtMs": 2,
  "expiresAtMs": 3,
  "fencingToken": 1,
  "leaseToken": "t",
  "owner": {
    "incarnationId": "1",
    "ownerId": "o"
  },
  "processId": "p"
} satisfies ProcessLease;
true satisfies HasAll<ProcessLease, typeof wire90>;
export const wire91 = {
  "lease": {
    "claimedAtMs": 2,
    "expiresAtMs": 3,
    "fencingToken": 1,
    "leaseToken": "t",
    "owner": {
      "incarnationId": "1",
      "ownerId": "o"
    },
    "processId": "p"
  },
  "outcome": "acquired"
} satisfies Extract<LeaseClaim, { outcome: "acquired" }>;
true satisfies HasAll<Extract<LeaseClaim, { outcome: "acquired" }>, typeof wire91>;
export const wire92 = {
  "holder": {
    "claimedAtMs": 2,
    "expiresAtMs": 3,
    "fencingToken": 1,
    "leaseToken": "t",
    "owner": {
      "incarnationId": "1",
      "ownerId": "o"
    },
    "processId": "p"
  },
  "outcome": "busy"
} satisfies Extract<LeaseClaim, { outcome: "busy" }>;
true satisfies HasAll<Extract<LeaseClaim, { outcome: "busy" }>, typeof wire92>;
export const wire93 = "running" satisfies NonNullable<ListFilter["status"]>;
export const wire94 = "completed" satisfies NonNullable<ListFilter["status"]>;
export const wire95 = "failed" satisfies NonNullable<ListFilter["status"]>;
export const wire96 = "cancelled" satisfies NonNullable<ListFilter["status"]>;
export const wire97 = "any" satisfies NonNullable<ListFilter["status"]>;
export const wire98 = {
  "definition": null,
  "kind": "k",
  "status": "any",
  "waiting": false
} satisfies ListFilter;
true satisfies HasAll<ListFilter, typeof wire98>;
export const wire99 = {} satisfies ListFilter;
export const wire100 = {
  "cursor": "p",
  "limit": 10
} satisfies Page;
true satisfies HasAll<Page, typeof wire100>;
export const wire101 = {} satisfies Page;
export const wire102 = {
  "cursor": "0000000000000000000000000000000a:7",
  "records": [
    {
      "createdAtMs": 1,
      "eventTypes": [],
      "id": "p",
      "identity": {
        "kind": "k"
      },
      "input": {
        "createRequest": {
          "field": {
            "any": [
              1,
              null,
              "x",
              true
            ]
          }
        },
        "turnInput": {
          "any": [
            1,
            null,
            "x",
            true
          ]
        },
        "type": "session_turn"
      },
      "provenance": {
        "originator": {
          "scope": {
            "sessionId": "t"
          },
          "type": "session"
        }
      },
      "registrationHash": "0f",
      "status": {
        "state": "running"
      },
      "updatedAtMs": 2
    }
  ],
  "removed": [
    "q"
  ],
  "reset": true
} satisfies Changes;
true satisfies HasAll<Changes, typeof wire102>;
export const wire103 = {
  "prunedEvents": 2,
  "prunedProcesses": 1
} satisfies Pruned;
true satisfies HasAll<Pruned, typeof wire103>;
const codes = [
  "invalid_argument",
  "unknown_process",
  "registration_conflict",
  "external_ref_conflict",
  "undeclared_event_type",
  "invalid_schema",
  "invalid_payload",
  "missing_replay_key",
  "replay_conflict",
  "already_terminal",
  "process_terminal",
  "not_terminal",
  "not_granted",
  "lease_lost",
  "timeout",
  "quota_exceeded",
  "storage_unavailable",
  "storage_blocked",
  "storage_version",
  "storage_failed",
  "conflict",
  "disconnected",
  "closed",
  "internal"
] as const satisfies readonly ProcessErrorCode[];
true satisfies Same<ProcessErrorCode, (typeof codes)[number]>;
