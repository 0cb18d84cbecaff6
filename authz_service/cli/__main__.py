from authz_service.cli import app

app(prog_name="kinguard")
