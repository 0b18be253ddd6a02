"""The same request, solved in the same few minutes, served in two ways: language → what the agent writes, curt and
kind. The customer is Anna Rossi in all of them.
"""

from typing import Any

import orjson

from streams.base.times import HOUR_MS, SECOND_MS
from streams.engine.offline import Offline
from streams.rules import Rules
from tests.support.offline import NOW, RULES, deployment, mark, settle
from tests.support.system import event, home

CURT = {
    "en": ["Yes?", "Wait.", "Done. Call back if not."],
    "it": ["Sì?", "Aspetti.", "Fatto. Richiami se non va."],
    "es": ["¿Sí?", "Espere.", "Hecho. Llame otra vez si no va."],
    "fr": ["Oui ?", "Attendez.", "C'est fait. Rappelez si ça ne marche pas."],
    "de": ["Ja?", "Warten Sie.", "Erledigt. Rufen Sie wieder an, wenn nicht."],
    "zh": ["什么事？", "等一下。", "好了。不行再打。"],
}
KIND = {
    "en": [
        "Good morning Ms Rossi, I understand how important the deadline of tomorrow is for you. I am sorry that the card was blocked.",
        "May I put you on hold for two minutes to check with the cards team?",
        "Thank you for waiting. I have checked it: the card is free again. I'll stay with you until it works.",
    ],
    "it": [
        "Buongiorno signora Rossi, capisco quanto sia importante la scadenza di domani. Mi dispiace che la carta sia stata bloccata.",
        "La metto in attesa due minuti per verificare con i colleghi delle carte, va bene?",
        "Grazie per l'attesa. Ho verificato: la carta è di nuovo attiva. Resto in linea con lei finché tutto funziona.",
    ],
    "es": [
        "Buenos días, señora Rossi. Entiendo lo importante que es el plazo de mañana. Lamento que la tarjeta esté bloqueada.",
        "Un momento, por favor, mientras consulto con el equipo de tarjetas.",
        "Gracias por la espera. He comprobado la tarjeta: ya está activa. Me quedo con usted hasta que todo funcione.",
    ],
    "fr": [
        "Bonjour Madame Rossi, je comprends que ce délai est important pour vous. Je suis désolée que la carte soit bloquée.",
        "Je vous mets en attente deux minutes, le temps de vérifier avec l'équipe des cartes.",
        "Merci de votre patience. J'ai vérifié : la carte est de nouveau active. Je reste avec vous jusqu'à ce que tout fonctionne.",
    ],
    "de": [
        "Guten Tag Frau Rossi, ich verstehe, wie wichtig die Frist morgen für Sie ist. Es tut mir sehr leid, dass die Karte gesperrt war.",
        "Einen Moment bitte, ich kläre das mit den Kollegen der Karten.",
        "Danke für Ihre Geduld. Ich habe alles geprüft: die Karte ist wieder frei. Ich bleibe bei Ihnen, bis alles funktioniert.",
    ],
    "zh": [
        "您好，罗女士。我理解明天的期限对您很重要，非常抱歉您的卡被锁了。",
        "请您稍等两分钟，我为您向卡片部门确认。",
        "谢谢您的耐心等待。我已经查过了，卡已恢复。我会一直陪您，直到一切正常。",
    ],
}
SHOWN = {"greeting", "acknowledge", "apology", "hold-announced", "hold-thanked", "stay", "own-words", "thanks"}
"""What each of the kind ones shows, whatever the language."""

WITHIN_TWO_HOURS = {
    "en": "I will call you back within two hours.",
    "it": "La richiamo entro due ore.",
    "es": "Le llamaré en dos horas.",
    "fr": "Je vous rappelle d'ici deux heures.",
    "de": "Ich rufe Sie innerhalb von zwei Stunden zurück.",
    "zh": "我会在两小时之内给您回电。",
}
"""A call-back that names its deadline."""

LANGUAGES = ("en", "it", "es", "fr", "de", "zh")
T0 = NOW - 2 * HOUR_MS
LINE = "r"


def at(kind: str, contact: str, ms: int, channel: str = "chat", **data: Any) -> dict[str, Any]:
    told = event(kind, contact, (T0 + ms) / 1000, channel=channel, **data)
    return {**told, "id": f"{contact}-{kind}-{ms}", "replayid": LINE}


def talk(contact: str, language: str | None, texts: list[str], customer: str = "anna", start: int = 0) -> list[Any]:
    """A request that is queued, answered after 20 s and solved after four minutes, with a hold in the middle."""
    says = {"author": "agent", "direction": "outbound", "language": language}
    asks = {"author": "customer", "direction": "inbound", "text": "My card is blocked", "customer_id": customer}
    first, second, third = ({"text": text, **says} for text in texts)
    steps = [
        ("contact.initiated", 0, {"customer_id": customer}),
        ("message.sent", 1, asks),
        ("contact.queued", 2, {"queue": "cards"}),
        ("contact.connected", 20, {"agent_id": "a-1"}),
        ("message.sent", 30, first),
        ("message.sent", 60, second),
        ("contact.held", 62, {}),
        ("contact.resumed", 180, {}),
        ("message.sent", 182, third),
        ("contact.ended", 240, {"by": "customer"}),
    ]
    return [at(kind, contact, start + second_ * SECOND_MS, **data) for kind, second_, data in steps]


def run_of(events: list[dict[str, Any]], size: int = 50, end: int = 6 * HOUR_MS, rules: Rules = RULES) -> Offline:
    """A replay of the events; afterwards its stream time passes ``end``, ms after the first one."""
    run, topics = deployment(rules=rules), sorted({home(one)[0] for one in events} | {"contacts.task"})
    mark(run, LINE, "started", T0 - 1, topics)
    for start in range(0, len(events), size):
        for one in events[start : start + size]:
            run.publish(*home(one), orjson.dumps(one), NOW)
        run.run(NOW)
    mark(run, LINE, "progressed", T0 + end, topics)
    settle(run, NOW)
    return run
