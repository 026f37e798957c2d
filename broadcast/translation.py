"""The configuration in signaling's own words."""

from zoneinfo import ZoneInfo

from broadcast.config import Config
from broadcast.distribution import targets_of
from signaling.again import moment
from signaling.event import Event, Person, Plan, Slate, Talk
from signaling.rundown import planned_end


def event_of(config: Config) -> Event:
    """The configuration in signaling's own words; a talk without a start follows the one before it."""
    people = tuple(
        Person(p.id, p.name, p.role, title=p.title, organisation=p.organisation, place=p.place)
        for p in config.people
    )
    talks = tuple(
        Talk(
            item.id,
            item.title,
            item.speakers,
            layout=item.layout,
            start=item.start.timestamp() if item.start else None,
            minutes=item.minutes,
            clip=item.clip or None,
            automatic=item.automatic,
        )
        for item in config.talks
    )
    start = config.event.start.timestamp()
    slate = config.slate
    return Event(
        id=config.event.id,
        name=config.event.name,
        subtitle=config.event.subtitle,
        place=config.event.place,
        timezone=config.event.timezone,
        start=start,
        end=planned_end(talks, start),
        talks=talks,
        people=people,
        clips=tuple(clip.id for clip in config.clips),
        slate=Slate(slate.title or config.event.name, slate.message, start if slate.countdown else None),
        public_viewers=config.event.public_viewers,
        targets=targets_of(config),
        plans=plans_of(config),
    )


def plans_of(config: Config) -> tuple[Plan, ...]:
    """[[reair]]: the hours in Unix seconds."""
    return tuple(
        Plan(
            f"c{n}",
            each.what,
            moment(each.at, ZoneInfo(each.zone or config.event.timezone)) if each.at else None,
            each.loop,
        )
        for n, each in enumerate(config.reair)
    )
