"""Reading → Alert → Case → Notice. Pure: time is an argument, the loader alone reads YAML."""
