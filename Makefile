# Every target is a script that can be run by itself; this file only names them.

.PHONY: help demo test test-long check bench fmt

help:
	@echo "demo       the main job on real servers, explained step by step"
	@echo "test       everything that must hold before a change lands (tests/run; under 40 minutes cold on 2 cores)"
	@echo "test-long  the same and what takes longer: 10 minutes of fuzzing a target, soak, crashes"
	@echo "check      format, clippy and lints only"
	@echo "bench      speed and size beside a bare server and beside OpenBao"
	@echo "fmt        format the code"

demo:
	@tests/demo/run

test:
	@tests/run test

test-long:
	@tests/run test-long

check:
	@tests/run check

bench:
	@benches/run

fmt:
	@cargo fmt --all
