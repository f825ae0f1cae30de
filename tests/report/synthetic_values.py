"""What synthetic runs of each verdict were asked to do, and what was found of them."""

FIRST_BAD_STEP = 17

PLANNED = [
    {
        "name": "cut-connection",
        "at": {"point": "client.forward.sent", "step": 9, "microbatch": 1},
        "detail": "reset the TCP connection after the request left",
    },
    {
        "name": "kill-trunk",
        "at": {"point": "trunk.commit.applied", "step": 23, "microbatch": None},
        "detail": "SIGKILL, then start again from the newest checkpoint",
    },
]

DIVERGENCE = {
    "step": FIRST_BAD_STEP,
    "microbatch": 1,
    "stage": "trunk",
    "tensor": "transformer.h.2.mlp.c_fc.weight",
    "index": [17, 203],
    "split": -0.0011754943989217281,
    "reference": -0.00117549451533705,
    "rung": "direct",
}


def equivalence(kind):
    sizes = [
        ("loss", "top", 40),
        ("boundary", "bottom", 160),
        ("boundary", "trunk", 160),
        ("gradient", "bottom", 560),
        ("gradient", "trunk", 960),
        ("gradient", "top", 600),
        ("weight", "bottom", 14),
        ("weight", "trunk", 24),
        ("weight", "top", 15),
        ("optimizer state", "bottom", 28),
        ("optimizer state", "trunk", 48),
        ("optimizer state", "top", 30),
    ]
    rows = []
    for quantity, stage, compared in sizes:
        differing = compared * 6 // 10 if kind == "FAIL" and quantity != "boundary" else 0
        measures = (17_301, 3.1e-5, 0.99999999951) if differing else (0, 0.0, 1.0)
        rows.append(
            {
                "quantity": quantity,
                "stage": stage,
                "compared": compared,
                "differing": differing,
                **dict(zip(("max_ulp", "relative_l2", "cosine"), measures, strict=True)),
            }
        )
    histogram = {"0": 1_204_113}
    divergence = None
    if kind == "FAIL":
        histogram |= {"1": 80_412, "2-3": 31_904, "4-15": 9_210, "16-255": 1_333, "256+": 41}
        pair = {"split": -0.0011754943989217281, "reference": -0.00117549451533705}
        divergence = {**DIVERGENCE, **pair}
    rungs = [{"rung": "local", "verdict": "PASS"}, {"rung": "direct", "verdict": "FAIL"}] if divergence else []
    return {"rows": rows, "ulp_histogram": histogram, "first_divergence": divergence, "ladder": rungs}


LIKELY_CAUSE = "gradients of the trunk are 2 times those of the reference from step 17 on"


def verdict(kind):
    where = {key: DIVERGENCE[key] for key in ("step", "microbatch", "stage", "tensor", "index")}
    finding = {
        "message": "gradient differs from the reference by 1 ULP",
        "where": {**where, "split": -0.0011754943989217281, "reference": -0.00117549451533705},
    }
    bitwise = {
        "PASS": ("PASS", "every loss, gradient, weight and optimizer state has the bits of the reference", 2639, []),
        "FAIL": ("FAIL", "24 steps have gradients that differ from the reference", 2639, [finding] * 14),
        "VOID": ("VOID", "no gradient was recorded, so nothing was compared", 0, []),
    }[kind]
    return {
        "verdict": kind,
        "likely_cause": LIKELY_CAUSE if kind == "FAIL" else "",
        "checks": [
            {
                "name": "bitwise-equal",
                "verdict": bitwise[0],
                "summary": bitwise[1],
                "compared": bitwise[2],
                "figures": {"max_ulp": 17301 if kind == "FAIL" else 0, "exactness": "bitwise"},
                "findings": bitwise[3],
            },
            {
                "name": "exactly-once",
                "verdict": "PASS",
                "summary": "each of the optimizer steps was applied once on both sides",
                "compared": 80,
                "figures": {"replayed_requests": 5},
                "findings": [],
            },
            {
                "name": "bounded-waits",
                "verdict": "PASS",
                "summary": "no call outlived its deadline",
                "compared": 168,
                "figures": {"longest_call_seconds": 3.42, "deadline_seconds": 60},
                "findings": [],
            },
        ],
        "figures": {"steps_per_second": 2.31, "final_loss": 2.4953},
        "not_covered": [
            "Faults on the reply path of a commit",
            "More than one client on the same trunk",
            "bfloat16 and accelerators",
        ],
        "replay": "harness run trunk-killed --seed 0",
        "started": "2026-01-01T12:00:00Z",
        "seconds": 48.31,
    }


def scenario(kind):
    return {
        "name": {"PASS": "trunk-killed", "FAIL": "clip-per-part", "VOID": "reset-late"}[kind],
        "title": {
            "PASS": "A dropped connection and a killed trunk",
            "FAIL": "Gradients under accumulation, over mobile",
            "VOID": "A reset after the last step",
        }[kind],
        "topology": "direct" if kind == "FAIL" else "proxy",
        "link": {
            "name": "lte",
            "delay_ms": 50,
            "jitter_ms": 10,
            "bandwidth_kbps": 1500,
            "source": "median of public LTE measurements",
        },
        "faults": {"PASS": PLANNED, "FAIL": [], "VOID": PLANNED[:1]}[kind],
        "checks": ["bitwise-equal", "exactly-once", "bounded-waits"],
        "config": {
            "mode": "training",
            "device": "cpu",
            "threads": 1,
            "dtype": "float32",
            "seed": 0,
            "model": "gpt2",
            "cuts": "2:10",
            "dropout": 0.1,
            "learning_rate": 3e-4,
            "gradient_accumulation_steps": 2,
            "batch_size": 8,
            "max_steps": 40,
            "codec": "raw",
            "retry_timeout": 300.0,
        },
    }


ENVIRONMENT = {
    "versions": {
        "python": "3.11.9",
        "torch": "2.6.0",
        "transformers": "5.0.0",
        "grpcio": "1.80.0",
        "splitlearn": "0.1.0",
    },
    "machine": {"cpu": "Example 9000 at 3.2 GHz", "cores": 8, "memory_gib": 31.2, "os": "Linux 6.1"},
    "threads": 1,
    "proxy": {"kind": "real", "version": "2.12.0"},
    "seed": 0,
}

TRAFFIC = {
    "upstream": 128_450_560,
    "downstream": 128_120_400,
    "steps": 40,
    "per_step": 6_414_274.0,
    "floor_per_step": 6_291_456.0,
    "ratio": 1.0195,
}

LOG = """12:00:01 client  session opened, incarnation 1
12:00:09 client  call Compute failed: UNAVAILABLE <connection reset>; again in 0.20 s
12:00:12 client  session opened, incarnation 2, both sides at step 8
"""
