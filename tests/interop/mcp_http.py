"""An MCP server made with the official Python SDK, over streamable HTTP: mcp_http.py PORT."""

import base64
import sys

try:
    from mcp.server.mcpserver import Context, Image, MCPServer
    from mcp.server.mcpserver.exceptions import ToolError

    server = MCPServer("tests")
    where: dict = {}
except ImportError:
    from mcp.server.fastmcp import Context, FastMCP, Image
    from mcp.server.fastmcp.exceptions import ToolError

    server = FastMCP("tests", host="127.0.0.1", port=int(sys.argv[1]))
    where = {}
else:
    where = {"host": "127.0.0.1", "port": int(sys.argv[1])}

DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@server.tool()
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.tool()
def dot() -> Image:
    """Draws one point."""
    return Image(data=DOT, format="png")


@server.tool()
async def steps(count: int, ctx: Context) -> str:
    """Takes some steps and reports each."""
    for number in range(count):
        await ctx.report_progress(number + 1, count, f"step {number + 1}")
    return f"{count} steps"


@server.tool()
def fail() -> str:
    """Fails."""
    raise ToolError("a reason of the server")


server.run(transport="streamable-http", **where)
