from freehold.keeper.main import main

main()
