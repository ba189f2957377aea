"""Plain tables of what the pocket model knows: the one source for the corpus and for the check list.

Places whose capital or status is disputed, or that name no single capital, are left out on purpose.
"""

from __future__ import annotations

CAPITALS_BY_CONTINENT: dict[str, dict[str, str]] = {
    "Africa": {
        "Algeria": "Algiers", "Angola": "Luanda", "Benin": "Porto-Novo", "Botswana": "Gaborone",
        "Burkina Faso": "Ouagadougou", "Burundi": "Gitega", "Cameroon": "Yaounde", "Cape Verde": "Praia",
        "the Central African Republic": "Bangui", "Chad": "N'Djamena", "the Comoros": "Moroni",
        "Djibouti": "Djibouti", "Egypt": "Cairo", "Eritrea": "Asmara", "Eswatini": "Mbabane",
        "Ethiopia": "Addis Ababa", "Gabon": "Libreville", "the Gambia": "Banjul", "Ghana": "Accra",
        "Guinea": "Conakry", "Guinea-Bissau": "Bissau", "Ivory Coast": "Yamoussoukro", "Kenya": "Nairobi",
        "Lesotho": "Maseru", "Liberia": "Monrovia", "Libya": "Tripoli", "Madagascar": "Antananarivo",
        "Malawi": "Lilongwe", "Mali": "Bamako", "Mauritania": "Nouakchott", "Mauritius": "Port Louis",
        "Morocco": "Rabat", "Mozambique": "Maputo", "Namibia": "Windhoek", "Niger": "Niamey",
        "Nigeria": "Abuja", "Rwanda": "Kigali", "Senegal": "Dakar", "Seychelles": "Victoria",
        "Sierra Leone": "Freetown", "Somalia": "Mogadishu", "South Africa": "Pretoria",
        "South Sudan": "Juba", "Sudan": "Khartoum", "Tanzania": "Dodoma", "Togo": "Lome",
        "Tunisia": "Tunis", "Uganda": "Kampala", "Zambia": "Lusaka", "Zimbabwe": "Harare",
    },
    "Asia": {
        "Afghanistan": "Kabul", "Armenia": "Yerevan", "Azerbaijan": "Baku", "Bahrain": "Manama",
        "Bangladesh": "Dhaka", "Bhutan": "Thimphu", "Brunei": "Bandar Seri Begawan",
        "Cambodia": "Phnom Penh", "China": "Beijing", "Georgia": "Tbilisi", "India": "New Delhi",
        "Indonesia": "Jakarta", "Iran": "Tehran", "Iraq": "Baghdad", "Japan": "Tokyo", "Jordan": "Amman",
        "Kazakhstan": "Astana", "Kuwait": "Kuwait City", "Kyrgyzstan": "Bishkek", "Laos": "Vientiane",
        "Lebanon": "Beirut", "Malaysia": "Kuala Lumpur", "the Maldives": "Male",
        "Mongolia": "Ulaanbaatar", "Myanmar": "Naypyidaw", "Nepal": "Kathmandu",
        "North Korea": "Pyongyang", "Oman": "Muscat", "Pakistan": "Islamabad",
        "the Philippines": "Manila", "Qatar": "Doha", "Saudi Arabia": "Riyadh", "Singapore": "Singapore",
        "South Korea": "Seoul", "Syria": "Damascus", "Tajikistan": "Dushanbe", "Thailand": "Bangkok",
        "East Timor": "Dili", "Turkmenistan": "Ashgabat", "the United Arab Emirates": "Abu Dhabi",
        "Uzbekistan": "Tashkent", "Vietnam": "Hanoi", "Yemen": "Sanaa", "Turkey": "Ankara",
    },
    "Europe": {
        "Albania": "Tirana", "Andorra": "Andorra la Vella", "Austria": "Vienna", "Belarus": "Minsk",
        "Belgium": "Brussels", "Bosnia and Herzegovina": "Sarajevo", "Bulgaria": "Sofia",
        "Croatia": "Zagreb", "Cyprus": "Nicosia", "the Czech Republic": "Prague",
        "Denmark": "Copenhagen", "Estonia": "Tallinn", "Finland": "Helsinki", "France": "Paris",
        "Germany": "Berlin", "Greece": "Athens", "Hungary": "Budapest", "Iceland": "Reykjavik",
        "Ireland": "Dublin", "Italy": "Rome", "Latvia": "Riga", "Liechtenstein": "Vaduz",
        "Lithuania": "Vilnius", "Luxembourg": "Luxembourg", "Malta": "Valletta", "Moldova": "Chisinau",
        "Monaco": "Monaco", "Montenegro": "Podgorica", "the Netherlands": "Amsterdam",
        "North Macedonia": "Skopje", "Norway": "Oslo", "Poland": "Warsaw", "Portugal": "Lisbon",
        "Romania": "Bucharest", "Russia": "Moscow", "San Marino": "San Marino", "Serbia": "Belgrade",
        "Slovakia": "Bratislava", "Slovenia": "Ljubljana", "Spain": "Madrid", "Sweden": "Stockholm",
        "Switzerland": "Bern", "Ukraine": "Kyiv", "the United Kingdom": "London",
    },
    "North America": {
        "Antigua and Barbuda": "Saint John's", "the Bahamas": "Nassau", "Barbados": "Bridgetown",
        "Belize": "Belmopan", "Canada": "Ottawa", "Costa Rica": "San Jose", "Cuba": "Havana",
        "Dominica": "Roseau", "the Dominican Republic": "Santo Domingo", "El Salvador": "San Salvador",
        "Grenada": "Saint George's", "Guatemala": "Guatemala City", "Haiti": "Port-au-Prince",
        "Honduras": "Tegucigalpa", "Jamaica": "Kingston", "Mexico": "Mexico City",
        "Nicaragua": "Managua", "Panama": "Panama City", "Saint Lucia": "Castries",
        "Trinidad and Tobago": "Port of Spain", "the United States": "Washington, D.C.",
    },
    "South America": {
        "Argentina": "Buenos Aires", "Bolivia": "Sucre", "Brazil": "Brasilia", "Chile": "Santiago",
        "Colombia": "Bogota", "Ecuador": "Quito", "Guyana": "Georgetown", "Paraguay": "Asuncion",
        "Peru": "Lima", "Suriname": "Paramaribo", "Uruguay": "Montevideo", "Venezuela": "Caracas",
    },
    "Oceania": {
        "Australia": "Canberra", "Fiji": "Suva", "Kiribati": "Tarawa", "Micronesia": "Palikir",
        "New Zealand": "Wellington", "Palau": "Ngerulmud", "Papua New Guinea": "Port Moresby",
        "Samoa": "Apia", "the Solomon Islands": "Honiara", "Tonga": "Nuku'alofa", "Tuvalu": "Funafuti",
        "Vanuatu": "Port Vila",
    },
}  # fmt: skip

CAPITALS: dict[str, str] = {
    country: city for table in CAPITALS_BY_CONTINENT.values() for country, city in table.items()
}
CONTINENTS: dict[str, str] = {
    country: continent for continent, table in CAPITALS_BY_CONTINENT.items() for country in table
}
# Other everyday names of a country; the answer uses the name the question uses.
OTHER_NAMES: dict[str, str] = {
    "the USA": "the United States", "the US": "the United States", "the UK": "the United Kingdom",
    "England": "the United Kingdom", "Holland": "the Netherlands", "Czechia": "the Czech Republic",
    "Burma": "Myanmar", "Turkiye": "Turkey", "Cote d'Ivoire": "Ivory Coast", "Timor-Leste": "East Timor",
}  # fmt: skip

COLOURS: dict[str, str] = {
    "grass": "Grass is green.", "the sky": "The sky is blue.", "the sun": "The sun is yellow.",
    "snow": "Snow is white.", "blood": "Blood is red.", "a banana": "A banana is yellow.",
    "a lemon": "A lemon is yellow.", "a tomato": "A tomato is red.", "a strawberry": "A strawberry is red.",
    "coal": "Coal is black.", "milk": "Milk is white.", "chocolate": "Chocolate is brown.",
    "the sea": "The sea is blue.", "a carrot": "A carrot is orange.", "an orange": "An orange is orange.",
    "a crow": "A crow is black.", "a swan": "A swan is white.", "a frog": "A frog is green.",
    "an elephant": "An elephant is grey.", "a flamingo": "A flamingo is pink.",
    "a cucumber": "A cucumber is green.", "gold": "Gold is yellow.", "silver": "Silver is grey.",
    "an aubergine": "An aubergine is purple.", "wood": "Wood is brown.", "a leaf": "A leaf is green.",
}  # fmt: skip

COLOUR_MIXES: dict[tuple[str, str], str] = {
    ("red", "blue"): "purple", ("red", "yellow"): "orange", ("blue", "yellow"): "green",
    ("red", "white"): "pink", ("black", "white"): "grey",
}  # fmt: skip

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
          "October", "November", "December")  # fmt: skip
MONTH_DAYS = ("31", "28 or 29", "31", "30", "31", "30", "31", "31", "30", "31", "30", "31")
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
            "tenth", "eleventh", "twelfth")  # fmt: skip

OPPOSITES: tuple[tuple[str, str], ...] = (
    ("hot", "cold"), ("big", "small"), ("up", "down"), ("left", "right"), ("fast", "slow"),
    ("light", "dark"), ("old", "young"), ("day", "night"), ("happy", "sad"), ("open", "closed"),
    ("high", "low"), ("rich", "poor"), ("full", "empty"), ("wet", "dry"), ("hard", "soft"),
    ("early", "late"), ("good", "bad"), ("long", "short"), ("strong", "weak"), ("wide", "narrow"),
    ("clean", "dirty"), ("loud", "quiet"), ("true", "false"), ("yes", "no"), ("black", "white"),
    ("in", "out"), ("on", "off"), ("first", "last"), ("near", "far"), ("thick", "thin"),
    ("win", "lose"), ("buy", "sell"), ("push", "pull"), ("start", "stop"),
    ("love", "hate"), ("laugh", "cry"), ("always", "never"), ("before", "after"), ("north", "south"),
    ("east", "west"), ("summer", "winter"), ("inside", "outside"), ("above", "below"),
    ("cheap", "expensive"), ("easy", "difficult"), ("sweet", "bitter"), ("war", "peace"),
)  # fmt: skip

ANIMAL_SOUNDS: dict[str, str] = {
    "dog": "woof", "cat": "meow", "cow": "moo", "sheep": "baa", "duck": "quack", "pig": "oink",
    "horse": "neigh", "lion": "roar", "bird": "tweet", "frog": "ribbit", "bee": "buzz", "mouse": "squeak",
}  # fmt: skip

# What each command of corral does, as the sentence the model says.
COMMANDS: dict[str, str] = {
    "serve": "`corral serve` starts the server on port 11434.",
    "run": "`corral run` starts a chat with a model, for example `corral run pocket`.",
    "pull": "`corral pull` downloads a model, for example `corral pull deepseek-r1:8b`.",
    "push": "`corral push` uploads a model to a registry.",
    "list": "`corral list` shows the models on this machine.",
    "ps": "`corral ps` shows the models that are loaded now.",
    "show": "`corral show` prints the details of a model.",
    "stop": "`corral stop` unloads a running model.",
    "cp": "`corral cp` copies a model to a new name.",
    "rm": "`corral rm` deletes a model.",
    "create": "`corral create` makes a model from a Modelfile.",
    "quantize": "`corral quantize` makes a smaller copy of a model.",
    "login": "`corral login` keeps the password for a registry.",
    "logout": "`corral logout` forgets the password for a registry.",
    "outdated": "`corral outdated` shows which models have a newer version.",
    "verify": "`corral verify` checks that the files of the models are whole.",
    "du": "`corral du` shows how much disk the models use.",
    "keys": "`corral keys` makes and revokes API keys.",
    "logs": "`corral logs` prints the log of the server.",
    "config": "`corral config show` prints every setting and where it comes from.",
    "doctor": "`corral doctor` checks this machine and says how to fix what is wrong.",
    "plan": "`corral plan` tells how much memory a model will need.",
    "bench": "`corral bench` measures how fast a model is on this machine.",
    "launch": "`corral launch` starts a coding tool that uses corral.",
    "help": "`corral help` explains the commands.",
    "version": "`corral --version` prints the version of corral.",
}

# Ways to ask for the same thing without naming the command.
COMMAND_WISHES: dict[str, tuple[str, ...]] = {
    "serve": ("start the server", "start the corral server", "run the server"),
    "run": ("chat with a model", "run a model", "talk to a model", "start a model", "use a model"),
    "pull": ("download a model", "get a model", "fetch a new model", "install a model"),
    "push": ("upload a model", "publish a model", "share a model"),
    "list": ("see my models", "list my models", "see which models I have", "list the models"),
    "ps": ("see which models are loaded", "see what is running", "see the running models"),
    "show": ("see the details of a model", "inspect a model", "show a model's details"),
    "stop": ("stop a model", "unload a model", "stop a running model", "free the memory"),
    "cp": ("copy a model", "duplicate a model"),
    "rm": ("delete a model", "remove a model", "get rid of a model"),
    "create": ("create a model", "make my own model", "build a model from a Modelfile", "use a Modelfile"),
    "quantize": ("make a model smaller", "quantize a model"),
    "login": ("log in to a registry", "sign in to a registry"),
    "logout": ("log out of a registry", "forget my registry password"),
    "outdated": ("see which models are old", "find newer versions of my models"),
    "verify": ("check my model files", "find broken model files"),
    "du": ("see how much disk my models use", "see the disk space of my models"),
    "keys": ("make an API key", "create an API key", "revoke an API key"),
    "logs": ("see the log", "read the server log", "see the logs"),
    "config": ("see the settings", "see my settings"),
    "doctor": ("check my machine", "find out what is wrong"),
    "plan": ("see how much memory a model needs", "know if a model fits"),
    "bench": ("measure the speed of a model", "benchmark a model"),
    "launch": ("use a coding agent with corral", "start Claude Code with corral"),
    "help": ("get help", "see all commands", "learn the commands"),
    "version": ("see the version", "find out the version", "check which version I have"),
}

MAX_ADDEND = 20  # sums are learned by heart: every pair from 0 to this


def bare(country: str) -> str:
    """The name without its article: "the Gambia" -> "Gambia"."""
    return country.removeprefix("the ")
