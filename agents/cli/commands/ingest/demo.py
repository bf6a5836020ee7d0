"""Define `turnfold demo`, which sends sample traffic of three invented bots: a past week at once, then live."""

import time
from collections.abc import Iterator

import click

from agents.cli.output.write import say
from agents.cli.signals import StopSignal
from pipeline.config.settings import Settings
from pipeline.demo.traffic import TimedInput, live_inputs, past_inputs
from pipeline.kafka.producer.produce import Producer, SendFailure
from pipeline.kafka.topics import require_topics
from pipeline.reprocess.sinks.kafka import Feed
from pipeline.runtime.clock import now_ms


@click.command()
@click.option("--seed", type=int, default=7, show_default=True, help="Seed of the random conversations.")
@click.option("--conversations", "count", type=click.IntRange(0, 100_000), default=600, show_default=True,
              help="Number of conversations in the past week.")  # fmt: skip
@click.option("--no-live", is_flag=True, help="Stop after the past week.")
@click.pass_obj
@click.pass_context
def demo(ctx: click.Context, settings: Settings, seed: int, count: int, *, no_live: bool) -> None:
    """Send sample traffic of three invented bots to Kafka: the past week at once, then live, until stopped.

    TRAVELBOT1 books trips, HARBORBANK answers the telephone, CornerFlorist still runs Lex V1. The same seed
    gives the same past week: sending it again changes nothing.
    """
    require_topics(settings)
    with StopSignal() as interrupt, Producer(settings, on_failure=_report) as producer:
        feed = Feed(settings, producer)
        for event in past_inputs(seed, now_ms(), count):
            feed.put(event.raw)
        producer.flush()
        say(f"sent {feed.tally.inputs:,} events of the past week, {feed.tally.dead} of them broken on purpose")
        for event in interrupt.until_signal(_when_due(live_inputs(seed, now_ms))) if not no_live else ():
            feed.put(event.raw)
        producer.flush()
    say(f"sent {feed.tally.inputs:,} events")
    ctx.exit(interrupt.exit_status)


def _when_due(events: Iterator[TimedInput]) -> Iterator[TimedInput]:
    for event in events:
        time.sleep(max(0, event.due - now_ms()) / 1000)
        yield event


def _report(failure: SendFailure) -> None:
    say(f"not sent: {failure.reason}", err=True)
