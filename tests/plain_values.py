"""Values as JSON has them, for pages and for Node.js."""

import base64


def plain(value):
    """A value without tuples, its bytes in base64."""
    if isinstance(value, (bytes, memoryview)):
        return {"base64": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value
