"""Claims about the connector: each is printed as soon as it is tested, and counted."""


class Claims:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def holds(self, claim, truth, detail=""):
        """`detail` is what a person needs to see when the claim is false."""
        if truth:
            self.passed += 1
            print(f"ok    {claim}", flush=True)
        else:
            self.failed += 1
            print(f"FALSE {claim}: {detail}", flush=True)

    def equal(self, claim, found, expected):
        self.holds(claim, found == expected, f"{found!r} instead of {expected!r}")

    def exit_code(self):
        print(f"\n{self.passed} passed, {self.failed} failed", flush=True)
        return 0 if self.passed and not self.failed else 1
