"""What moves satisfaction: answers of customers held against the scores and behaviours of their contacts. Pure; needs
numpy and scipy (the extra ``drivers``).
"""
