"""Associations: words that go with a kind of thing or with a relation in everyday video.

Plain data read by `reelgraph.agent.support`. A row names what a graph may hold, then
the words of an answer that it makes likely: where there is a ski there may be snow. Nothing
here is evidence; it only orders guesses.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["ACTS", "PEOPLE", "THINGS", "rows"]


def rows(table: str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return the rows of a table as (names, words).

    Names are parted by commas, words by spaces; an indented line continues the row above.
    """
    joined = re.sub(r"\n\s+", " ", table.strip())
    parted = (row.partition(":") for row in joined.splitlines())
    return [
        (tuple(map(str.strip, left.split(","))), tuple(right.split())) for left, _, right in parted
    ]


THINGS: Final = """
bicycle: cycle cycling cyclist bike biking biker ride rider pedal helmet scooter tricycle unicycle
    handlebar handle balance injury road slope transport park path trail flip exercise race racing
    stunt trick ground fall wheel brake tyre tire chain kneepad lane hill downhill uphill training
    wheels wobble steer seat bmx ramp
motorcycle: bike biker ride rider helmet scooter road motorcyclist motorbike engine race rev
    wheelie
ski: snow snowy slope skiing skier sled sledge sledding cold winter snowboard snowboarding
    snowball snowman ice icy skate mountain hill slide slippery pole glide warm cliff fall
    downhill jacket goggles freeze freezing cable lift resort stick
snowboard: snow slope winter cold mountain slide board goggles
instrument: instrument sing singing song singer music musical musician perform performance
    performer band microphone mic stage strum concert tune tuning melody violin violinist cello
    flute harp trumpet saxophone accordion beat rhythm drum drummer drumstick key keyboard piano
    pianist guitar guitarist practice rehearse script score sheet string chord notes audience
    lyrics bow pluck fingers play playing entertain
ball: kick kicking throw throwing catch catching bounce bouncing goal goalkeeper soccer football
    basketball volleyball handball rugby golf bowling hoop basket roll rolling toss pass passing
    score chase playground aim dodge field grassland game match team teammate player coach dribble
    shoot hit court pitch juggle fetch
fruit: fruit food eat eating feed spoon taste mouth chew hungry fork plate swallow snack meal peel
    peeling juice juicy scoop pick seed pulp skin sweet sour banana apple orange watermelon mango
    grape strawberry knife bowl bite harvest
vegetable: vegetable food cut knife cook cooking pumpkin carve carving eat chop kitchen spoon
    scoop taste salad carrot potato tomato onion peel slice harvest garden plant halloween board
bread, cake: bread cake food eat eating bite feed chew hungry fork spoon birthday candle celebrate
    celebration party cookie pastry bun sandwich toast dough butter cream knife mouth taste icing
    slice sweet dessert wish blow breakfast
dish, bowl: food eat eating spoon feed meal dining dinner lunch breakfast table fork soup rice
    noodle chopsticks restaurant kitchen cook wash cutlery plate bowl serve cereal porridge scoop
    stir
cup, glass: drink drinking wine coffee beer tea milk straw thirsty sip pour bar toast cheers water
    beverage restaurant cafe taste alcohol celebrate refill
bottle: drink drinking milk water thirsty pour pouring cap lid sip feed feeding straw juice suck
    sucking shake open beverage empty
oven, microwave, refrigerator: kitchen cook cooking bake baking food heat hot pan pot stove grill
    timer tray chef recipe ingredients boil fry meal fridge door
sink, faucet, toilet: wash washing bath bathe bathroom tub bathtub shower water tap soap clean
    cleaning sink washroom brush brushing teeth toothbrush drink wet dry rinse towel basin foam
    splash
surfboard: surf surfing surfer wave sea beach board water ocean paddle fall swim sand balance
watercraft: boat ship sail sailing canoe kayak raft rafting sea lake river row rowing paddle oar
    water harbour dock fish fishing float
lion, leopard, tiger, elephant, crocodile, bear, antelope, panda, giraffe, zebra, monkey,
    kangaroo: zoo cage wild animal forest jungle prey cub paw attack fight keeper zookeeper
    enclosure safari savannah hunt hunting roar trunk tusk tail fur fence feed grass lick claw
    tourist
horse, camel: horse ride rider riding saddle farm rope rein bridle donkey pony foal gallop trot
    stable animal jockey race hay carriage mane
sheep, goat, cattle, cow, pig: sheep goat cow lamb calf pig piglet bull farm farmer grass graze
    grazing grassland field herd milk animal horn wool fence hay pasture shepherd feed
dog: dog puppy pug leash collar bark barking paw sniff tail fetch lick bone pet animal obstacle
    smell chase owner nose fur treat training trainer trick wag stick frisbee bite walk cuddle
    kennel groom
cat: cat kitten paw meow scratch tail pet lick animal smell nose fur purr whiskers claw pounce
    laser yarn groom cuddle mouse box curious
rabbit, hamster, rat, squirrel: rabbit hamster mouse pet animal cage lick nibble fur carrot ear
    hop hole
bird, chicken, penguin, duck: bird fly flying feather wing peck pecking nest beak animal parrot
    chick cage seed perch flap pigeon egg chirp flock duck pond
fish, stingray, crab, turtle, dolphin: fish aquarium tank swim swimming water sea dolphin
    underwater dive diver diving coral shell shark turtle whale bubble fin fishing
snake: snake handler tail cage animal zookeeper reptile hiss slither poisonous venom bite
baby: baby crawl crawling cry crying pacify crib parent mother mommy mum mom father daddy dad
    grandmother grandfather offspring toddler infant cradle cuddle walker pacifier suck sucking
    milk bib diaper nappy waddle toddle tickle nursery giggle sleepy nap bottle feed lullaby thumb
    rattle play support fall learn bounce blanket
child: kid child boy girl parent mother mom father dad offspring sibling brother sister student
    school playground swing toy playing teacher classmates daughter son
baby seat: seat chair highchair feed buckle strap belt high tilt rock bounce bouncer food spoon
    eat bib sit tray
baby walker: walker walk walking stroller pram carriage push support baby move learn wheels steps
toy: toy play playing block lego brick build building car truck train helicopter robot teddy bear
    doll puppet button balloon plane dinosaur puzzle sword gun assemble rattle figurine remote
    controller bucket shovel ball box stuffed unwrap present
camera: camera photo photographer film filming pose posing picture video videoing record recording
    cameraman selfie lens shoot tripod snap
laptop: laptop computer type typing keyboard screen work working desk office mouse key internet
    email study
cellphone: phone cellphone mobile call calling screen message text texting video photo selfie talk
    scroll app smartphone
screen: tv television watch watching computer game gaming controller console monitor remote play
    video movie cartoon show presentation
car: car drive driving driver road traffic street vehicle wheel roadside highway parking park
    engine seat belt trunk door window windscreen racing toy steering horn accident
bus, truck, train: bus truck train station rail railway travel traveller passenger platform track
    vehicle driver wheel load carriage trip commute subway
stop sign, traffic light: road sign street traffic cross crossing stop light signal
sofa: sofa couch home house living bed bedroom cushion pillow blanket room sleep sleeping
    comfortable rest resting relax lie lying sit nap tv armchair
table: table desk dining sit eat write writing draw drawing paper pen pencil bowl food card cards
    board homework tablecloth
chair, bench, stool: chair sit sitting seat seated bench stool classroom rest stand audience
    armrest rock
aircraft: plane airplane aeroplane airport runway fly flying land landing helicopter sky pilot
    wing take-off jet propeller passenger
racket: racket tennis badminton squash court hit ball serve serving net player match shuttlecock
    opponent
bat: bat baseball hit ball swing swinging field pitcher cricket player base
skateboard: skateboard skate skater skating skateboarding ramp trick board skatepark balance fall
    helmet jump
backpack, suitcase: hike hiking hiker mountain climb climbing trek trekking trail travel traveller
    luggage path forest camp camping walk cave rock stick tour tourist backpack bag school
handbag: bag handbag shop shopping purse wallet market carry
fan: fan blow wind air hot cool spin
sofa, table, toy, baby seat, baby walker, screen, cat, oven, microwave, refrigerator, sink, fan,
    laptop, toilet, piano, stool, cabinet: home house homeindoor living room indoor indoors
    bedroom carpet floor mat apartment corridor
car, bicycle, motorcycle, bus, truck, train, stop sign: road roadside street outdoor outdoors
    outside trail path park carpark pavement highway town city
dog, sheep, goat, horse, cattle, ball, bird, kite: park grassland grass field garden lawn yard
    backyard outdoor outdoors outside meadow countryside
ski, snowboard: mountain snow outdoor outdoors slope hill resort
surfboard, watercraft: beach sea ocean lake river shore water pool
fish, stingray, crab, turtle: sea ocean aquarium underwater lake river pond
chair, table, guitar: stage hall studio auditorium classroom room restaurant theatre church
oven, microwave, refrigerator, dish, bowl: kitchen dining
sink, faucet, toilet: bathroom washroom toilet kitchen
lion, leopard, tiger, elephant, crocodile, antelope, bear, panda: zoo forest savannah wild
    sanctuary
aircraft: airport runway sky field
book: book read reading page story library study learn
pool: swim swimming swimmer pool dive diver diving float splash swimsuit water waterpark goggles
    lifeguard
gift: gift present unwrap wrap wrapping paper christmas birthday box open surprise ribbon
dress: wedding bride groom couple ceremony church marry married costume veil dance
gymnasium: gym exercise workout yoga stretch muscle weights boxing wrestling martial karate fight
    punch kick spar train
paint: paint painting draw drawing brush art artist craft colour color
kite: kite string fly wind sky
swing: swing slide playground seesaw trampoline merry sandpit monkey bars bounce
rope: rope climb bungee rock cliff harness zipline
fire: fire campfire barbecue barbeque candle firework smoke burn
plant: plant flower garden tree sapling leaf leaves water soil dig harvest pick
sand: sand sandcastle beach shovel bucket dig castle seashell
balloon: balloon party pop inflate air celebrate
hair: hair comb brush haircut makeup salon mirror face
magic: magic trick magician card cards juggling circus clown
"""
"""What goes with a thing, and where it is found."""

ACTS: Final = """
play: instrument perform performance performing music sing singing song band strum strumming drum
    guitar piano practice rhythm chord
hug, kiss, caress, pat: love loving comfort affection affectionate embrace pet petting stroke
    cuddle show rub touch massage pacify console care greet closeness intimate
speak to, shout at: talk talking conversation converse speak speaking explain chat tell ask
    communicate speech interact interaction say saying discuss discussion introduce instruct
    instruction answer question mouth microphone interview listen call
lean on: support rest resting balance lie lying sit sitting lean relax
watch: look looking watch watching stare observe see audience listen listening attention attentive
    curious interest interested focus gaze
point to: direct direction show finger gesture teach teaching explain indicate signal attract
hold, carry, pick up: grab lift pick grasp grip take hand hands holding carrying arm arms support
push, pull, press: drag tug shove move force
chase, approach: run running walk walking move moving follow come reach towards forward closer
    catch
move away from: leave run walk go move away backwards retreat escape
hold hand of, shake hand with: hand hands dance dancing walk support guide teach lead greet
wave, wave hand to: greet goodbye bye hi hello hand greeting
bite, lick, feed: eat eating food taste mouth chew hungry feeding tongue teeth
clean: wipe wash washing dirty tissue cloth rub sweep scrub towel stain
hit, kick, knock: punch fight strike beat hit kick attack
cut: slice chop knife scissors
throw, release: toss drop let go throw
open, close: door open close shut
use: using operate
ride, drive: ride riding drive cycle cycling ski skiing skate rider move forward balance steer
touch: feel poke tap touch hand reach
smell: sniff nose smell
get on, get off: climb mount
"""
"""What goes with a relation."""

PEOPLE: Final = {
    word: tuple(kinds.split())
    for kinds, words in {
        "adult": "man woman guy gentleman lady male female mother mom mum father dad couple parent "
        "host singer dancer instructor teacher bride groom grandmother grandfather husband wife",
        "child baby": "child kid toddler boy girl son daughter brother sister",
        "baby child": "baby infant",
        "child": "student",
    }.items()
    for word in words.split()
}
"""Words for people, and the kinds of people that they may be."""
