"""From words to ids: counting, the encoded corpus and its cache, phrases, trees."""
