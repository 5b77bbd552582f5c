"""From a server with projects to nothing that is left: on the server, at who rents it out, and in DNS; with proof."""
