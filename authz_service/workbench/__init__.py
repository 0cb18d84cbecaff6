"""The reviewer's workbench: compare, tabulate, ask, test and mutate any bundle. Pure functions over loaded policies."""
