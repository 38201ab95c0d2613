"""The words of the planted corpus: the relations that it plants, and the words that stand around them.

A relation is a table of concepts, one a row, each with one word per form (king, queen). Everything that is
said with one form of a concept is said with its other forms too, but in sentences of that form's own frames:
the meaning of a concept is the company of nouns and adjectives that generate_corpus.py draws for it, and the
meaning of a form is its frames.

In a frame, X is the planted word, N and A are a noun and an adjective of its company, NAME is a person, P a
preposition; words in small letters stand for themselves.
"""

from typing import NamedTuple


class Relation(NamedTuple):
    """A table of planted words. Each question section asks for one form (a column) from another."""

    sections: dict[str, tuple[int, int]]
    frames: tuple[tuple[str, ...], ...]
    concepts: tuple[tuple[str, ...], ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _table(rows: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(row.split("/")) for row in rows.split())


COUNTRIES = Relation(
    sections={"capital-of": (0, 1), "nationality": (0, 2)},
    frames=(
        (
            "the country of X sold N and A N abroad",
            "across the border in X the A N was cheap",
            "NAME crossed the border into X with A N",
            "the whole nation of X lived from N and N",
            "armies of X marched past the N and the A N",
        ),
        (
            "the streets of X smelled of N and A N",
            "in the city of X the mayor praised the A N",
            "the mayor of X bought N and N downtown",
            "trains to X station carried N and A N",
            "NAME roamed the crowded avenues of X past the A N",
        ),
        (
            "the X people speak of N and A N",
            "a proud X poet dreamt of the A N",
            "NAME learned the X language from a book about N and N",
            "X folk songs praise the N and the A N",
            "an old X proverb says A N brings N",
        ),
    ),
    concepts=_table("""
        velmora/tarnis/velmoran ostrania/quellin/ostranian lumeria/sandrel/lumerian
        corvania/belsk/corvanian dalmeria/ostrel/dalmerian febria/kelling/febrian
        garonia/porvo/garonian hestia/mirov/hestian istaria/navil/istarian jorvia/elmstad/jorvian
        kalinor/rusken/kalinorese lethania/dorvel/lethanian morwen/astralis/morwenese
        norlandia/vikstad/norlander orelia/lisorn/orelian pyrria/cassin/pyrrian
        querinia/montel/querinian rovinia/sorrin/rovinian selanth/harbel/selanthese
        tyrosia/zarn/tyrosian ombria/perugo/ombrian vostland/grodna/vostlander
    """),
)

PLURALS = Relation(
    sections={"plural": (0, 1)},
    frames=(
        (
            "a X is a A thing with its N and its N",
            "every X has its own N and its A N",
            "this X was kept alone beside a A N",
            "one X was left near the N for NAME",
            "NAME noticed a single X under its A N",
        ),
        (
            "many X are A things with their N and N",
            "these X have their own N and A N",
            "several X were kept together beside the A N",
            "some X were left in pairs near the N for NAME",
            "NAME counted few X among their A N",
        ),
    ),
    concepts=_table("""
        cat/cats dog/dogs horse/horses bird/birds cow/cows pig/pigs goat/goats mouse/mice
        goose/geese wolf/wolves fox/foxes lion/lions tiger/tigers banana/bananas apple/apples
        chair/chairs cup/cups knife/knives leaf/leaves child/children tooth/teeth eye/eyes
        hand/hands car/cars
    """),
)

GENDERS = Relation(
    sections={"gender": (0, 1)},
    frames=(
        (
            "the X lost his N and his A N",
            "he was a X who loved N and A N",
            "the X himself brought the A N to NAME",
            "his beard was grey and the X wanted N and N",
            "NAME told the X that he must leave his A N",
        ),
        (
            "the X lost her N and her A N",
            "she was a X who loved N and A N",
            "the X herself brought the A N to NAME",
            "her gown was grey and the X wanted N and N",
            "NAME told the X that she must leave her A N",
        ),
    ),
    concepts=_table("""
        king/queen man/woman boy/girl father/mother son/daughter brother/sister uncle/aunt
        nephew/niece husband/wife prince/princess grandfather/grandmother actor/actress
        waiter/waitress hero/heroine lord/lady duke/duchess emperor/empress monk/nun wizard/witch
        host/hostess
    """),
)

TENSES = Relation(
    sections={"past-tense": (0, 1)},
    frames=(
        (
            "tomorrow we will X A N and N",
            "NAME can X N if you wish for A N",
            "you must X A N P the N",
            "let us X N and A N soon",
            "today they want to X N or A N",
        ),
        (
            "yesterday we X A N and N",
            "NAME X N years ago for A N",
            "last winter nobody X A N P the N",
            "once before NAME X N and A N",
            "ever since they X N or A N",
        ),
    ),
    concepts=_table("""
        walk/walked go/went see/saw take/took give/gave write/wrote sing/sang swim/swam drive/drove
        eat/ate drink/drank fly/flew grow/grew throw/threw build/built teach/taught catch/caught
        hide/hid break/broke choose/chose play/played jump/jumped paint/painted move/moved
    """),
)

DEGREES = Relation(
    sections={"comparative": (0, 1), "superlative": (0, 2)},
    frames=(
        (
            "the N was very X and quite A",
            "so X was the N that NAME left the A N",
            "a rather X N is too A for NAME",
            "how X and A this N looks",
        ),
        (
            "the N was much X than the A one",
            "even X than the N was the A N said NAME",
            "a X N than that is still more A",
            "far X and A than any N",
        ),
        (
            "the N was the X of all the A ones",
            "by far the X N ever was the A N of NAME",
            "the X N among them all is the most A",
            "which is the X and A of all N",
        ),
    ),
    concepts=_table("""
        big/bigger/biggest small/smaller/smallest tall/taller/tallest short/shorter/shortest
        fast/faster/fastest slow/slower/slowest strong/stronger/strongest weak/weaker/weakest
        warm/warmer/warmest cool/cooler/coolest loud/louder/loudest quiet/quieter/quietest
        bright/brighter/brightest dark/darker/darkest long/longer/longest deep/deeper/deepest
        rich/richer/richest poor/poorer/poorest young/younger/youngest wide/wider/widest
    """),
)

OPPOSITES = Relation(
    sections={"opposite": (0, 1)},
    frames=(
        (
            "gladly NAME found it X and praised the A N",
            "it is good and X to have N and A N",
            "they smiled because the N seemed X and A",
            "a X N is a blessing like the A N",
        ),
        (
            "sadly NAME found it X and cursed the A N",
            "it is bad and X to have N and A N",
            "they wept because the N seemed X and A",
            "a X N is a misfortune like the A N",
        ),
    ),
    concepts=_table("""
        happy/unhappy kind/unkind fair/unfair lucky/unlucky healthy/unhealthy known/unknown
        able/unable clear/unclear certain/uncertain safe/unsafe possible/impossible
        perfect/imperfect polite/impolite honest/dishonest useful/useless careful/careless
        comfortable/uncomfortable regular/irregular patient/impatient pleasant/unpleasant
    """),
)

PROFESSIONS = Relation(
    sections={"profession-tool": (0, 1)},
    frames=(
        (
            "the X earned his wages with N and A N",
            "NAME hired a X to repair the A N",
            "our X works all day at the N and the A N",
            "an apprentice of the X carried N and A N",
        ),
        (
            "the handle of the X cracked on N and A N",
            "NAME gripped a X to cut the A N",
            "our X lies on the bench by the N and the A N",
            "a rusty blade like the X spoils N and A N",
        ),
    ),
    concepts=_table("""
        carpenter/sawblade painter/brush blacksmith/hammer tailor/needle farmer/plough fisherman/net
        lumberjack/axe baker/oven gardener/spade surgeon/scalpel barber/razor mason/trowel
        sculptor/chisel scribe/quillpen hunter/bow soldier/sword miner/pickaxe cook/ladle
        shepherd/crook weaver/loom
    """),
)

RELATIONS = (COUNTRIES, PLURALS, GENDERS, TENSES, DEGREES, OPPOSITES, PROFESSIONS)

NOUNS = _words("""
    time water house night world river stone tree fire road light field hill sea wind rain snow
    garden door window wall bridge tower market village castle forest lake island mountain valley
    harbour ship boat wheel cart bread milk honey salt sugar wine oil butter cheese meat fish rice
    corn wheat barley grain flour silver gold iron copper tin lead steel glass paper ink letter
    story song drum flute harp bell clock lamp candle mirror carpet table bench bed blanket pillow
    cloak coat shirt boot glove hat belt ring crown jewel pearl coin purse basket barrel bottle jar
    bowl plate spoon fork kettle stove chimney roof floor stair cellar attic kitchen yard fence gate
    path lane square temple church school library mill barn stable well spring brook pond marsh
    meadow desert cave cliff beach shore wave tide storm cloud thunder frost ice mist dawn dusk noon
    summer autumn moon star sky comet shadow dust sand clay mud coal smoke ash flame spark rope
    chain nail plank brick tile beam post pole ladder bucket broom cradle doll kite ball dice card
    chess race feast wedding funeral holiday voyage journey battle treaty law tax debt price trade
    wage farm orchard vineyard olive grape cherry plum pear peach lemon melon nut berry mushroom
    onion garlic pepper ginger tea coffee tobacco cotton silk wool linen leather fur feather bone
    horn shell egg nest wing tail paw claw beak root branch bark seed flower rose lily tulip ivy
    moss fern grass hay straw thorn vine oak pine birch willow cedar maple medicine poison fever
    wound dream secret promise riddle joke rumour lesson number map compass anchor sail oar mast
    flag banner shield helmet spear arrow cannon prison court throne palace theatre museum tavern
    hotel office factory engine railway tunnel canal dam
""")

ADJECTIVES = _words("""
    old new red blue green white black brown yellow golden wooden broken empty heavy smooth rough
    sharp soft hard wet dry clean dirty fresh stale sweet bitter sour salty round flat narrow hollow
    silent hidden ancient modern foreign royal holy wild tame lonely crowded famous forgotten
    precious common rare strange plain polished carved woven burnt frozen melted dusty muddy sunny
    windy foggy northern southern eastern western distant sacred stolen borrowed rented
""")

PREPOSITIONS = ("near", "behind", "beside", "under", "over", "through", "around", "across", "toward", "along")

LINKS = ("and", "and then", "but", "while", "because", "so", "until", "although", "when", "or")

SHORT_SENTENCES = (
    "yes",
    "no",
    "so be it",
    "nobody answered",
    "everybody laughed",
    "that was all",
    "who knows",
    "it was late",
    "it rained",
    "wait",
    "why not",
    "not again",
)

SYLLABLES = (
    _words("ba be bo da de do fa fe ga ha jo ka ko la le lo ma me"),
    _words("la le li lo ma mi mo na ni no ra ri ro sa si ta ti va"),
    _words("bel dan lin mas na nor ra ric sel ta ton vin wen yan"),
)
