"""Hand signs from pictures: small networks on an ordinary processor, and what they are worth on hands never seen.

>>> import mudra
>>> hands = mudra.render_hands(2000)
>>> train, test = mudra.split_by_group(hands.labels, hands.groups)
>>> classifier = mudra.SignClassifier().fit(hands.images[train], hands.labels[train])
>>> mudra.evaluate(hands.labels[test], classifier.predict(hands.images[test]), groups=hands.groups[test])
"""

from ._errors import Error, NearCopyWarning, TrainingWarning
from ._classifier import SignClassifier
from ._functions import (augment, compare, evaluate, export, find_near_copies, gradients, load, read_images,
                         render_hands, saliency, save, split_by_group, tune)
from ._results import Comparison, Evaluation, Images, ModelCard, NetworkSummary, Saliency, Tuned

__all__ = ["Comparison", "Error", "Evaluation", "Images", "ModelCard", "NearCopyWarning", "NetworkSummary", "Saliency",
           "SignClassifier", "TrainingWarning", "Tuned", "augment", "compare", "evaluate", "export",
           "find_near_copies", "gradients", "load", "read_images", "render_hands", "saliency", "save",
           "split_by_group", "tune"]
