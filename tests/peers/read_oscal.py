# Reads an OSCAL assessment-results file with compliance-trestle and runs its validators over it.
import sys
from argparse import Namespace
from pathlib import Path

from trestle.core.validator_factory import validator_factory
from trestle.oscal.assessment_results import AssessmentResults

document = AssessmentResults.oscal_read(Path(sys.argv[1]))
version = document.metadata.oscal_version
while hasattr(version, "root"):
    version = version.root
assert version == "1.2.1", version
assert validator_factory.get(Namespace(mode="all")).model_is_valid(document, True)
states = set()
for result in document.results:
    for finding in result.findings or []:
        state = finding.target.status.state
        states.add(str(getattr(state, "value", state)))
print(*sorted(states))
