"""Vocabulary of video relations: plain data read by `reelgraph.graph.lexicon`.

It covers the predicates of the geometry generator, of VidOR, Action Genome and PVSG, and
the open vocabulary that scene-graph models write about everyday video.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = [
    "HYPERNYMS",
    "INVERSES",
    "IRREGULAR_PLURALS",
    "IRREGULAR_VERBS",
    "KINDS_OF_PREDICATES",
    "LABEL_SYNONYMS",
    "NARROWER_PREDICATES",
    "PREDICATE_SYNONYMS",
    "SYMMETRIC",
]


def _table(lines: str) -> tuple[tuple[str, ...], ...]:
    """Return one tuple per line, split at commas; a line that ends in a comma goes on."""
    joined = re.sub(r",\s*\n", ", ", lines.strip())
    rows = (line.split(",") for line in joined.splitlines())
    return tuple(tuple(name.strip() for name in row) for row in rows)


def _reversed_lines(lines: str) -> dict[str, str]:
    """Return form -> base from lines ``base: form form``."""
    pairs = (line.split(":") for line in lines.strip().splitlines())
    return {form: base.strip() for base, forms in pairs for form in forms.split()}


def _kinds(lines: str) -> dict[str, tuple[str, ...]]:
    """Return wider -> kinds from lines ``wider: kind, kind``; a line may end in a comma."""
    pairs = (row.split(":") for row in re.sub(r",\s*\n", ", ", lines.strip()).splitlines())
    return {wider.strip(): tuple(map(str.strip, kinds.split(","))) for wider, kinds in pairs}


def _parents(lines: str) -> dict[str, tuple[str, ...]]:
    """Return kind -> wider kinds from lines ``wider: kind kind``."""
    found: dict[str, tuple[str, ...]] = {}
    for line in lines.strip().splitlines():
        wider, kinds = line.split(":")
        for kind in kinds.split():
            found[kind] = (*found.get(kind, ()), wider.strip())
    return found


PREDICATE_SYNONYMS: Final = _table("""
    hold, carry, grasp, grip, clutch, hold on to, hold onto, possess
    pick up, take, grab, lift, take away, lift up, pick, seize, snatch, raise, collect, get,
        remove
    put down, place, put back, set down, return, put, set, lay down, drop, release, let go of,
        let go
    hand, hand over, hand to, give, give to, pass, pass to, pass over, transfer, deliver
    near, next to, beside, close to, by, adjacent to, alongside, near to, at the side of,
        on the side of
    touch, contact, be in contact with, in contact with, feel, tap
    pat, caress, stroke, pet
    approach, approach to, move toward, move closer to, toward, walk toward, walk to, go to,
        go toward, run toward, come to, come closer to, get closer to
    move away from, away, away from, walk away from, run away from, go away from,
        back away from, retreat from
    follow, chase, pursue, run after, go after, walk behind
    enter, come in, come into, walk in, walk into, step in, arrive, come into view, enter view,
        move into view
    leave, exit, go out, walk out, walk off, go away, depart, go out of view, leave view,
        move out of view
    appear, show up, emerge, become visible, turn up
    disappear, vanish, become invisible
    look at, watch, see, view, gaze at, stare at, observe, look toward
    speak to, talk to, talk with, speak with, chat with, communicate with, converse with
    hug, embrace, cuddle
    get on, mount, climb on, board, climb onto
    get off, dismount, step off, climb off
    ride, ride on, sit astride
    throw, toss, fling, hurl, pitch, throw to
    hit, strike, beat, punch, slap, knock
    push, shove
    press, squeeze
    pull, drag, tow, tug
    eat, bite, chew, eat from
    drink, sip, drink from
    smell, sniff
    clean, wipe, wash, scrub, sweep
    cut, slice, chop
    wave, wave at, wave to, wave hand to
    point to, point at
    shake hand with, shake hand, shake hand of
    hold hand of, hold hand with, hold hand
    wear, dress in
    play, play with
    use, operate, manipulate, work on
    drive, steer
    sit on, sit in, seat on, seat in
    lie on, lay on, laying on, rest on
    lean on, lean against, against
    attach to, connect to, mount on, fix to
    on, on top of, atop
    above, over
    below, beneath, under, underneath
    in front of, ahead of
    behind, in back of, at the back of, on back of
    inside, in, within, inside of
    contain, enclose
    open, open up
    close, shut
    cover, occlude, hide, block
    overlap, overlap with
    stand still, stay still, stay, remain still, still, be still, stop
    move, move around, go, travel, move about
    jump on, bounce on
    photograph, take photo of, take picture of, film, record
    toast with, toast to, clink glass with
    move with, move together with, walk with, accompany
    shout at, yell at, scream at
    write on, write in, draw on
    have it on the back, wear on the back, carry on the back
    tidy, tidy up, put in order
    turn on, switch on
    turn off, switch off
    take off, undress
    put on, dress
    fall, fall down, tumble
    catch, catch hold of
    blow, blow on, blow out
    light, set fire to
    cook, fry, boil, bake
    pour, pour into
    swing, swing on
    read, read from
    feed, give food to
    cover with, wrap in
""")
"""Predicates that mean the same, in any form of their verb."""

NARROWER_PREDICATES: Final[dict[str, tuple[str, ...]]] = {
    "touch": ("hold", "pat", "hug", "pick up", "put down", "push", "press"),
    "on": ("sit on", "stand on", "lie on"),
    "appear": ("enter",),
    "disappear": ("leave",),
    "move": ("approach", "move away from", "follow", "walk", "run", "enter", "leave"),
    "interact with": ("touch", "hold", "pat", "hug", "pick up", "put down", "hand", "use", "play"),
}
"""What also counts, when synonyms are asked for, as an instance of a predicate."""

KINDS_OF_PREDICATES: Final = _kinds("""
    hold: pick up, put down, hand, catch, throw, drink, pour, write on, hold hand of, swing
    touch: hit, kick, kiss, lick, bite, pull, squeeze, clean, lean on, sit on, lie on, stand on,
        shake hand with, hold hand of, catch, feed, cut, brush, scratch, twist, ride, wear
    move: ride, drive, swim, jump, climb, dance, crawl, roll, slide, fly, ski, skate, swing,
        spin, fall, chase, enter, get on, get off, jump on, walk on, run on, move with
    on: walk on, run on, ride, jump on, lean on, get on
    near: touch, hold, on, inside, hug, follow, hand
    look at: read, photograph, examine, watch tv, point to
    speak to: shout at, whisper to, sing to, call, laugh at, shake hand with
    use: cut, write on, read, drive, play, cook, clean, photograph, type on, work at
    consume: eat, drink, lick, bite
    interact with: speak to, look at, hit, kick, kiss, push, pull, feed, ride, throw, catch,
        open, close, wave, point to, shake hand with, hold hand of
""")
"""Wider predicates and their kinds: who does the one does, in a loose sense, the other."""

INVERSES: Final = _table("""
    left of, right of
    above, below
    over, under
    on top of, underneath
    in front of, behind
    inside, contain
""")
"""Pairs that say the same with subject and object exchanged."""

SYMMETRIC: Final[tuple[str, ...]] = (
    "near",
    "next to",
    "beside",
    "close to",
    "adjacent to",
    "overlaps",
    "touches",
    "in contact with",
    "hold hand of",
    "hold hand with",
    "shake hand with",
)
"""Predicates that hold in both directions if in one."""

IRREGULAR_VERBS: Final = _reversed_lines("""
    hold: held
    give: gave given
    take: took taken
    catch: caught
    throw: threw thrown
    ride: rode ridden
    drive: drove driven
    sit: sat
    stand: stood
    run: ran
    leave: left
    hang: hung
    lie: lay lain lying
    eat: ate eaten
    drink: drank drunk
    feed: fed
    lead: led
    bite: bit bitten
    speak: spoke spoken
    see: saw seen
    wear: wore worn
    bring: brought
    get: got gotten
    go: went gone goes
    come: came
    fall: fell fallen
    keep: kept
    shake: shook shaken
    swing: swung
    swim: swam swum
    fly: flew flown
    draw: drew drawn
    write: wrote written
    break: broke broken
    rise: rose risen
    slide: slid
    strike: struck
    stick: stuck
    meet: met
    make: made
    build: built
    hide: hid hidden
    feel: felt
    sleep: slept
    tell: told
    find: found
    toward: towards
    beside: besides
    lay: laid
    beat: beaten
    become: became
    begin: began begun
    bend: bent
    blow: blew blown
    buy: bought
    choose: chose chosen
    creep: crept
    dig: dug
    fight: fought
    fling: flung
    grow: grew grown
    hear: heard
    kneel: knelt
    lean: leant
    leap: leapt
    light: lit
    lose: lost
    pay: paid
    ring: rang rung
    say: said
    sell: sold
    send: sent
    sew: sewn
    show: shown
    sing: sang sung
    sink: sank sunk
    smell: smelt
    spin: spun
    spit: spat
    steal: stole stolen
    strike: stricken
    sweep: swept
    tear: tore torn
    wake: woke woken
    win: won
""")
"""Past forms that no rule gives."""

IRREGULAR_PLURALS: Final = _reversed_lines("""
    person: people persons
    man: men
    woman: women
    child: children
    foot: feet
    tooth: teeth
    mouse: mice
    goose: geese
    knife: knives
    shelf: shelves
    leaf: leaves
    loaf: loaves
    wolf: wolves
    calf: calves
    scarf: scarves
    half: halves
    cookie: cookies
    movie: movies
    selfie: selfies
    bus: buses
    potato: potatoes
    tomato: tomatoes
    gas: gas
    sheep: sheep
    scissors: scissors
    trousers: trousers
    glasses: glasses
    clothes: clothes
""")
"""Plurals that no rule gives; ``glasses`` are those that one wears."""

LABEL_SYNONYMS: Final = _table("""
    person, human, human being, somebody, someone
    child, kid
    baby, infant, toddler
    man, guy, gentleman, adult man
    woman, lady, adult woman
    boy, male child
    girl, female child
    bicycle, bike
    motorcycle, motorbike
    sofa, couch, settee
    cellphone, cell phone, phone, mobile phone, smartphone, mobile, cellular telephone
    screen, monitor, tv, television
    aircraft, airplane, plane, aeroplane
    refrigerator, fridge
    dog, puppy
    cat, kitten
    bag, handbag, purse
    ball, sports ball
    cup, mug
    laptop, notebook computer
    faucet, tap
    table, desk
    hand, palm
    car, automobile
    bottle, flask
    watercraft, boat
    balloon, ballon
    carpet, rug, mat
    cabinet, closet, cupboard, wardrobe
    gift, present
    picture, photo, photograph
    floor, ground
    curtain, drape
    remote, remote control
    shoe, sneaker
    dish, plate
    lamp, lamp post
    vacuum, vacuum cleaner
    groceries, grocery
""")
"""Names of one kind of thing, singular."""

HYPERNYMS: Final = _parents("""
    person: man woman adult child baby player rider cyclist pedestrian
    child: boy girl
    animal: dog cat horse bird cow cattle sheep goat pig rabbit fish elephant bear lion tiger
    animal: leopard panda penguin hamster rat snake turtle crocodile duck chicken camel kangaroo
    animal: squirrel antelope stingray crab
    vehicle: car bus truck train bicycle motorcycle scooter aircraft watercraft van
    furniture: table chair sofa bench stool bed shelf cabinet
    food: bread cake fruit vegetable apple banana sandwich pizza
    container: bottle cup bowl box bag suitcase backpack jar basket
    instrument: guitar piano violin drum
    device: cellphone laptop camera screen microwave oven refrigerator
    toy: doll
    clothes: shirt jacket coat hat helmet shoe jersey dress trousers sock glove veil scarf
    plant: tree flower grass bush bouquet
    building: house church tower
""")
"""For each kind of thing, the wider kinds it belongs to."""
