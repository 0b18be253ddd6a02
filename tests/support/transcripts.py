"""The same request, solved in the same few minutes, served in two ways: language → what the agent writes, curt and
kind. The customer is Anna Rossi in all of them.
"""

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
