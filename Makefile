.DEFAULT_GOAL := help
.PHONY: help run install setup check test bench

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

run: ## Talk to the agent. At a terminal: a chat. PROMPT="…": one question. Neither: a short demonstration
	@scripts/run

install: ## Put the program `duyetbot` where cargo puts programs (~/.cargo/bin)
	@cargo install --locked --path crates/duyetbot-adapters/cli

setup: ## Install the pinned tools and the test peers into .tools and .peers, once
	@scripts/setup-tools
	@scripts/setup-peers

check: ## Format, spelling, dependencies, clippy, documentation: in seconds, once built
	@scripts/check

test: ## Every test against real peers, the wasm32 build, each feature alone, the examples
	@scripts/test

bench: ## What is slow, as ratios on this machine. ONLY="ask commits": these parts alone
	@cargo build --locked --release -p duyetbot-cli -p duyetbot-bench
	@$${CARGO_TARGET_DIR:-target}/release/duyetbot-bench $(ONLY)
