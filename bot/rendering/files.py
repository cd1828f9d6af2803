"""The bundle of one application or cluster: README, plan, Terraform, Ansible and Kubernetes files.

In: a scene. Out: a ``ChangeSet`` under ``apps/<app>`` or ``clusters/<name>``; the same input gives the same bytes.
Never: I/O outside the templates, a clock, a value of an environment variable, a path outside the stack's folder.
"""

from __future__ import annotations

from bot.model.changes import ChangeSet, RenderedFile
from bot.rendering.ansible import ansible_files
from bot.rendering.delivery import delivery_files
from bot.rendering.guards import guard
from bot.rendering.kubernetes import kubernetes_files
from bot.rendering.memory import plan_json
from bot.rendering.readme import readme
from bot.rendering.scene import Scene
from bot.rendering.terraform import terraform_files


def render(scene: Scene) -> ChangeSet:
    """All files of the stack, sorted by path. Raises Refused(name) or Refused(policy) for unusable names,
    Refused(config) for a state backend or a delivery that cannot be written, Refused(syntax) for two clusters at once.
    """
    guard(scene.plan)
    made = (kubernetes_files(scene), delivery_files(scene), terraform_files(scene), ansible_files(scene))
    files = {path: text for part in made for path, text in part.items()}
    files["plan.json"] = plan_json(scene)
    files["README.md"] = readme(scene, tuple(sorted(files)))
    rendered = tuple(RenderedFile(path=f"{scene.root}/{path}", content=files[path]) for path in sorted(files))
    return ChangeSet(root=scene.root, files=rendered)


def remembering(changes: ChangeSet, scene: Scene) -> ChangeSet:
    """The same files with ``plan.json`` written anew, for what is known only when the review has ended."""
    path = f"{scene.root}/plan.json"
    renewed = RenderedFile(path=path, content=plan_json(scene))
    return changes.model_copy(update={"files": tuple(renewed if file.path == path else file for file in changes.files)})
