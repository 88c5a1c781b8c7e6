"""The Home Assistant add-on's folder, and its program that turns options into config.ini."""

import sys
from importlib.util import module_from_spec, spec_from_file_location

from tests import ROOT

ADDON = ROOT / "docs" / "homeassistant-addon" / "homemon"
_spec = spec_from_file_location("addon_options", ADDON / "options.py")
assert _spec is not None
assert _spec.loader is not None
options = module_from_spec(_spec)
_written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
_spec.loader.exec_module(options)
sys.dont_write_bytecode = _written
