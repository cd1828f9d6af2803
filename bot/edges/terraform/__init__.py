"""terraform: a judge of form (``TerraformToolbox``) and the program that plans and applies (``TerraformProgram``)."""

from bot.edges.terraform.limits import ERRORED, PLAN_FILE, TerraformLimits
from bot.edges.terraform.program import TerraformProgram
from bot.edges.terraform.toolbox import TerraformToolbox

__all__ = ["ERRORED", "PLAN_FILE", "TerraformLimits", "TerraformProgram", "TerraformToolbox"]
