"""Hand signs from pictures: small networks on an ordinary processor, and what they are worth on hands never seen.

>>> import mudra
>>> hands = mudra.render_hands(2000)
>>> train, test = mudra.split_by_group(hands.labels, hands.groups)
>>> classifier = mudra.SignClassifier().fit(hands.images[train], hands.labels[train])
"""

from ._errors import Error, NearCopyWarning, TrainingWarning
from ._classifier import SignClassifier

__all__ = ["Error", "NearCopyWarning", "SignClassifier", "TrainingWarning"]
